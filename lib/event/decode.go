package event

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Columns is how many columns the query of a batch has: ev_id, ev_time,
// ev_txid, ev_retry, ev_type, ev_data, ev_extra1 .. ev_extra4.
const Columns = 10

// Decoder turns the output of COPY (batch_event_sql) TO STDOUT (FORMAT binary)
// into events, without an allocation for each. It takes the stream in pieces
// of any size; a piece that ends at the end of a row, as PostgreSQL sends
// them, is decoded where it lies.
//
// The zero value is ready for the first piece of a stream.
type Decoder struct {
	ev     Event
	rest   []byte // the start of a row whose end is still to come
	header bool   // the header was read
	done   bool   // the trailer was read
}

// signature begins every binary COPY.
const signature = "PGCOPY\n\377\r\n\x00"

// errShort tells that the row goes on beyond the data at hand.
var errShort = errors.New("row is incomplete")

// maxRest is how much memory is kept for a row that came in pieces.
const maxRest = 1 << 20

// Write decodes p and calls fn for each event that is complete. The event and
// its texts are valid only inside fn. An error of fn ends it and is returned
// as it is.
func (d *Decoder) Write(p []byte, fn func(*Event) error) error {
	if len(d.rest) > 0 {
		d.rest = append(d.rest, p...)
		p = d.rest
	}
	for len(p) > 0 {
		n, row, err := d.next(p)
		if err == errShort {
			break
		}
		if err != nil {
			return err
		}
		p = p[n:]
		if row {
			if err := fn(&d.ev); err != nil {
				return err
			}
		}
	}
	if len(p) == 0 && cap(d.rest) > maxRest {
		d.rest = nil
	} else {
		d.rest = append(d.rest[:0], p...) // p may lie in d.rest; copying down is safe
	}
	return nil
}

// Close checks that the stream was complete.
func (d *Decoder) Close() error {
	if !d.done || len(d.rest) > 0 {
		return errors.New("copy data ends before its trailer")
	}
	return nil
}

// next reads one header, row or trailer at the start of p and tells its length
// and whether it was a row. The row is then in d.ev.
func (d *Decoder) next(p []byte) (n int, row bool, err error) {
	if !d.header {
		n, err = header(p)
		d.header = err == nil
		return n, false, err
	}
	if d.done {
		return 0, false, errors.New("copy data after its trailer")
	}
	if len(p) < 2 {
		return 0, false, errShort
	}
	switch c := int16(binary.BigEndian.Uint16(p)); c {
	case Columns:
	case -1:
		d.done = true
		return 2, false, nil
	default:
		return 0, false, fmt.Errorf("copy row has %d columns, want %d", c, Columns)
	}
	n = 2
	e := &d.ev
	var f []byte
	for i := range Columns {
		f, n, err = field(p, n)
		if err != nil {
			return 0, false, err
		}
		switch i {
		case 0, 1, 2:
			if len(f) != 8 {
				return 0, false, badField(i, f)
			}
			v := int64(binary.BigEndian.Uint64(f))
			switch i {
			case 0:
				e.ID = v
			case 1:
				e.Time = Timestamp(v)
			case 2:
				e.Txid = v
			}
		case 3:
			e.Retry, e.HasRetry = 0, f != nil
			if f != nil {
				if len(f) != 4 {
					return 0, false, badField(i, f)
				}
				e.Retry = int32(binary.BigEndian.Uint32(f))
			}
		case 4:
			e.Type = f
		case 5:
			e.Data = f
		default:
			e.Extra[i-6] = f
		}
	}
	return n, true, nil
}

// header reads the signature, the flags and the extension area.
func header(p []byte) (int, error) {
	if n := min(len(p), len(signature)); string(p[:n]) != signature[:n] {
		return 0, errors.New("not a binary copy stream")
	}
	const fixed = len(signature) + 8
	if len(p) < fixed {
		return 0, errShort
	}
	ext := binary.BigEndian.Uint32(p[fixed-4:])
	if ext > maxRest {
		return 0, errors.New("copy header is too long")
	}
	if len(p) < fixed+int(ext) {
		return 0, errShort
	}
	return fixed + int(ext), nil
}

// field reads the field at p[n:] and returns it with the place behind it; nil
// for NULL.
func field(p []byte, n int) ([]byte, int, error) {
	if len(p)-n < 4 {
		return nil, 0, errShort
	}
	size := int(int32(binary.BigEndian.Uint32(p[n:])))
	n += 4
	if size < 0 {
		if size != -1 {
			return nil, 0, fmt.Errorf("copy field has length %d", size)
		}
		return nil, n, nil
	}
	if len(p)-n < size {
		return nil, 0, errShort
	}
	return p[n : n+size : n+size], n + size, nil
}

var columnNames = [Columns]string{"ev_id", "ev_time", "ev_txid", "ev_retry", "ev_type", "ev_data",
	"ev_extra1", "ev_extra2", "ev_extra3", "ev_extra4"}

func badField(i int, f []byte) error {
	if f == nil {
		return fmt.Errorf("copy field %s is null", columnNames[i])
	}
	return fmt.Errorf("copy field %s has %d bytes", columnNames[i], len(f))
}
