package main

import (
	"bytes"

	"skytools/lib/consumer"
	"skytools/lib/event"
)

// newFormat returns the form of --format. With decode, ev_data of row triggers
// becomes a JSON object; row data that no trigger writes is an error.
func newFormat(format string, decode bool) consumer.Format {
	line := appendCSV
	switch format {
	case "json":
		if !decode {
			return consumer.JSONLine
		}
		return func(dst []byte, e *event.Event) ([]byte, error) {
			dst, err := event.AppendDecoded(dst, e)
			return append(dst, '\n'), err
		}
	case "raw":
		line = appendRaw
	}
	var row []byte
	return func(dst []byte, e *event.Event) ([]byte, error) {
		if !decode {
			return line(dst, e), nil
		}
		var err error
		if row, err = event.DecodeRow(row[:0], e); err != nil {
			return dst, err
		}
		d := *e
		// Anything but the object of a row stays as it is in these forms.
		if len(row) > 0 && row[0] == '{' {
			d.Data = row
		}
		return line(dst, &d), nil
	}
}

// appendRaw appends ev_data as it is; null is an empty line.
func appendRaw(dst []byte, e *event.Event) []byte {
	dst = append(dst, e.Data...)
	return append(dst, '\n')
}

// appendCSV appends the ten columns as COPY ... (FORMAT csv) reads them: null
// is nothing, and an empty text is "".
func appendCSV(dst []byte, e *event.Event) []byte {
	for f := range numFields {
		if f > 0 {
			dst = append(dst, ',')
		}
		if f < fieldType {
			dst, _ = f.append(dst, e)
			continue
		}
		if v := f.text(e); v != nil {
			dst = appendCSVText(dst, v)
		}
	}
	return append(dst, '\n')
}

func appendCSVText(dst, v []byte) []byte {
	if len(v) > 0 && !bytes.ContainsAny(v, "\",\n\r\\") {
		return append(dst, v...)
	}
	dst = append(dst, '"')
	for {
		i := bytes.IndexByte(v, '"')
		if i < 0 {
			break
		}
		dst = append(dst, v[:i+1]...)
		dst = append(dst, '"')
		v = v[i+1:]
	}
	dst = append(dst, v...)
	return append(dst, '"')
}
