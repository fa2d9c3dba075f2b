package event_test

import (
	"encoding/binary"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"skytools/lib/event"
	"skytools/lib/testpg"
)

const copyHeader = "PGCOPY\n\377\r\n\x00\x00\x00\x00\x00\x00\x00\x00\x00"
const copyTrailer = "\xff\xff"

// appendRow appends e as a row of a binary COPY.
func appendRow(dst []byte, e *event.Event) []byte {
	be := binary.BigEndian
	dst = be.AppendUint16(dst, event.Columns)
	for _, v := range []int64{e.ID, int64(e.Time), e.Txid} {
		dst = be.AppendUint64(be.AppendUint32(dst, 8), uint64(v))
	}
	if e.HasRetry {
		dst = be.AppendUint32(be.AppendUint32(dst, 4), uint32(e.Retry))
	} else {
		dst = be.AppendUint32(dst, 1<<32-1)
	}
	for _, s := range [][]byte{e.Type, e.Data, e.Extra[0], e.Extra[1], e.Extra[2], e.Extra[3]} {
		if s == nil {
			dst = be.AppendUint32(dst, 1<<32-1)
		} else {
			dst = append(be.AppendUint32(dst, uint32(len(s))), s...)
		}
	}
	return dst
}

// decode gives the stream to a Decoder in pieces of the given sizes.
func decode(stream []byte, sizes []int) ([]*event.Event, error) {
	var d event.Decoder
	var events []*event.Event
	for i := 0; len(stream) > 0; i++ {
		n := len(stream)
		if len(sizes) > 0 {
			n = min(n, sizes[i%len(sizes)])
		}
		err := d.Write(stream[:n:n], func(e *event.Event) error {
			events = append(events, e.Clone())
			return nil
		})
		if err != nil {
			return events, err
		}
		stream = stream[n:]
	}
	return events, d.Close()
}

func drawEvent(t *rapid.T) *event.Event {
	field := rapid.OneOf(rapid.Just[[]byte](nil), rapid.Just([]byte{}), rapid.SliceOfN(rapid.Byte(), 1, 30))
	e := &event.Event{
		ID: rapid.Int64().Draw(t, "id"), Time: event.Timestamp(rapid.Int64().Draw(t, "time")), Txid: rapid.Int64().Draw(t, "txid"),
		HasRetry: rapid.Bool().Draw(t, "has retry"), Type: field.Draw(t, "type"), Data: field.Draw(t, "data"),
	}
	if e.HasRetry {
		e.Retry = rapid.Int32().Draw(t, "retry")
	}
	for i := range e.Extra {
		e.Extra[i] = field.Draw(t, "extra")
	}
	return e
}

func TestDecoderPieces(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.SliceOfN(rapid.Custom(drawEvent), 0, 5).Draw(t, "events")
		stream := []byte(copyHeader)
		for _, e := range want {
			stream = appendRow(stream, e)
		}
		stream = append(stream, copyTrailer...)
		sizes := rapid.SliceOfN(rapid.IntRange(1, 50), 0, 10).Draw(t, "sizes")
		got, err := decode(stream, sizes)
		if err != nil {
			t.Fatal(err)
		}
		if len(got) != len(want) {
			t.Fatalf("got %d events, want %d", len(got), len(want))
		}
		for i := range want {
			if diff := cmp.Diff(want[i], got[i]); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		}
	})
}

func TestDecoderErrors(t *testing.T) {
	t.Parallel()
	row := string(appendRow(nil, &event.Event{}))
	tests := []struct{ name, stream, want string }{
		{"nothing", "", "copy data ends before its trailer"},
		{"half a header", copyHeader[:5], "copy data ends before its trailer"},
		{"no header", "12345678901", "not a binary copy stream"},
		{"long header", copyHeader[:15] + "\x7f\xff\xff\xff", "copy header is too long"},
		{"no trailer", copyHeader + row, "copy data ends before its trailer"},
		{"half a row", copyHeader + row[:20], "copy data ends before its trailer"},
		{"more", copyHeader + copyTrailer + row, "copy data after its trailer"},
		{"columns", copyHeader + "\x00\x03", "copy row has 3 columns, want 10"},
		{"null id", copyHeader + "\x00\x0a\xff\xff\xff\xff", "copy field ev_id is null"},
		{"short id", copyHeader + "\x00\x0a\x00\x00\x00\x01x", "copy field ev_id has 1 bytes"},
		{"length", copyHeader + "\x00\x0a\xff\xff\xff\xfe", "copy field has length -2"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, err := decode([]byte(tt.stream), nil)
			if err == nil || err.Error() != tt.want {
				t.Errorf("got %v, want %s", err, tt.want)
			}
		})
	}
}

func TestDecoderStops(t *testing.T) {
	t.Parallel()
	want := errors.New("enough")
	stream := appendRow([]byte(copyHeader), &event.Event{})
	var d event.Decoder
	if err := d.Write(stream, func(*event.Event) error { return want }); err != want {
		t.Errorf("got %v, want %v", err, want)
	}
}

func FuzzDecoder(f *testing.F) {
	row := appendRow([]byte(copyHeader), &event.Event{ID: 1, Type: []byte("t"), Data: []byte("d"), HasRetry: true})
	f.Add(append(row, copyTrailer...), uint8(0))
	f.Add(append(row, copyTrailer...), uint8(7))
	f.Add([]byte(copyHeader+"\x00\x0a\x7f\xff\xff\xff"), uint8(1))
	f.Fuzz(func(t *testing.T, stream []byte, size uint8) {
		whole, wholeErr := decode(stream, nil)
		pieces, err := decode(stream, []int{int(size) + 1})
		if (err == nil) != (wholeErr == nil) || len(whole) != len(pieces) {
			t.Errorf("whole: %d events, %v; in pieces of %d: %d, %v", len(whole), wholeErr, size+1, len(pieces), err)
		}
	})
}

// TestDecoderServer reads what a server sends for such columns.
func TestDecoderServer(t *testing.T) {
	t.Parallel()
	conn := testpg.Connect(t, testpg.Shared(t).NewDB(t))
	var stream strings.Builder
	_, err := conn.PgConn().CopyTo(t.Context(), &stream, `copy (
		select 1::int8, timestamptz '2024-03-05 12:20:30.5+02', 9::int8, null::int4, 't', 'd', 'a', '', null::text, repeat('x', 100000)
		union all select 2, 'infinity', 10, 3, null, null, null, null, null, null) to stdout (format binary)`)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode([]byte(stream.String()), []int{8192})
	if err != nil {
		t.Fatal(err)
	}
	want := []*event.Event{
		{ID: 1, Time: moment, Txid: 9, Type: []byte("t"), Data: []byte("d"),
			Extra: [4][]byte{[]byte("a"), {}, nil, []byte(strings.Repeat("x", 100000))}},
		{ID: 2, Time: event.Infinity, Txid: 10, Retry: 3, HasRetry: true},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func BenchmarkDecoder(b *testing.B) {
	e := event.Event{ID: 1, Time: moment, Txid: 5, Type: []byte("U:id"), Data: []byte(strings.Repeat("x", 200)), Extra: [4][]byte{[]byte("public.t")}}
	row := appendRow(nil, &e)
	var d event.Decoder
	if err := d.Write([]byte(copyHeader), nil); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(row)))
	b.ReportAllocs()
	for b.Loop() {
		if err := d.Write(row, func(*event.Event) error { return nil }); err != nil {
			b.Fatal(err)
		}
	}
}
