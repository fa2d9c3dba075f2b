package event

import "encoding/binary"

// CopyHeader begins a binary COPY, CopyTrailer ends it.
const (
	CopyHeader  = signature + "\x00\x00\x00\x00\x00\x00\x00\x00"
	CopyTrailer = "\xff\xff"
)

// AppendCopy appends an event as a row of COPY FROM STDIN (FORMAT binary) for
// the columns ev_time, ev_type, ev_data, ev_extra1 .. ev_extra4, with ev_id
// before them if withID is set.
func AppendCopy(dst []byte, e *Event, withID bool) []byte {
	columns := uint16(7)
	if withID {
		columns++
	}
	dst = binary.BigEndian.AppendUint16(dst, columns)
	if withID {
		dst = appendInt8(dst, e.ID)
	}
	dst = appendInt8(dst, int64(e.Time))
	dst = appendField(dst, e.Type)
	dst = appendField(dst, e.Data)
	for _, f := range e.Extra {
		dst = appendField(dst, f)
	}
	return dst
}

func appendInt8(dst []byte, v int64) []byte {
	dst = binary.BigEndian.AppendUint32(dst, 8)
	return binary.BigEndian.AppendUint64(dst, uint64(v))
}

func appendField(dst, f []byte) []byte {
	if f == nil {
		return binary.BigEndian.AppendUint32(dst, 1<<32-1) // -1 is NULL
	}
	dst = binary.BigEndian.AppendUint32(dst, uint32(len(f)))
	return append(dst, f...)
}
