package event

import (
	"encoding/binary"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestAppendCopy builds the row of a batch around that of a copy and decodes it.
func TestAppendCopy(t *testing.T) {
	t.Parallel()
	want := Event{ID: 7, Time: -3, Type: []byte("t"), Data: []byte("ä\x00"), Extra: [4][]byte{{}, nil, []byte("x"), nil}}
	without, row := AppendCopy(nil, &want, false), AppendCopy(nil, &want, true)
	if n := binary.BigEndian.Uint16(row); n != 8 {
		t.Errorf("%d columns with ev_id", n)
	}
	if n := binary.BigEndian.Uint16(without); n != 7 {
		t.Errorf("%d columns without ev_id", n)
	}
	const id = 2 + 4 + 8
	if string(without[2:]) != string(row[id:]) {
		t.Errorf("rows differ: %q, %q", without, row)
	}
	// ev_id and ev_time, then ev_txid and ev_retry, then the texts.
	stream := append([]byte(CopyHeader), 0, Columns)
	stream = append(stream, row[2:id+12]...)
	stream = appendInt8(stream, 9)
	stream = appendField(stream, nil)
	stream = append(append(stream, row[id+12:]...), CopyTrailer...)
	want.Txid = 9
	var d Decoder
	n := 0
	err := d.Write(stream, func(e *Event) error {
		n++
		if diff := cmp.Diff(want, *e); diff != "" {
			t.Error(diff)
		}
		return nil
	})
	if err != nil || n != 1 || d.Close() != nil {
		t.Errorf("%d events, %v, %v", n, err, d.Close())
	}
}
