package event

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"skytools/lib/quote"
)

// AppendDecoded is AppendJSON with ev_data of row triggers as a JSON object
// instead of a string. See DecodeRow for what it knows.
func AppendDecoded(dst []byte, e *Event) ([]byte, error) {
	dst = appendHead(dst, e)
	dst, err := DecodeRow(dst, e)
	if err != nil {
		return dst, err
	}
	return appendTail(dst, e), nil
}

// RowFormat is how a row trigger put a row into ev_data.
type RowFormat int

// The formats of logutriga, jsontriga and sqltriga; NoRow is any other event.
const (
	NoRow      RowFormat = iota
	RowURL               // url-encoded pairs
	RowJSON              // a JSON object
	RowSQL               // a fragment of a statement
	RowNothing           // TRUNCATE of logutriga and sqltriga
)

// Row tells from ev_type which trigger made e.
func (e *Event) Row() RowFormat {
	t := e.Type
	switch {
	case bytes.HasPrefix(t, []byte(`{"op":`)):
		return RowJSON
	case len(t) == 0:
	case t[0] == 'I' || t[0] == 'U' || t[0] == 'D':
		switch {
		case len(t) == 1:
			return RowSQL
		case t[1] == ':':
			return RowURL
		}
	case t[0] == 'R' && len(t) == 1 && len(e.Data) == 0:
		return RowNothing
	}
	return NoRow
}

// DecodeRow appends the value of ev_data as JSON: an object for an event of a
// row trigger, a string or null for any other.
//
// The fields of logutriga become strings and nulls in their order: their types
// are not known. Their bytes are those of the database's encoding; what is not
// UTF-8 becomes U+FFFD. The object of jsontriga stays as it is, on one line.
// A TRUNCATE is an empty object. The SQL fragments of sqltriga stay a string.
//
// Malformed row data is an error that names ev_id.
func DecodeRow(dst []byte, e *Event) ([]byte, error) {
	var err error
	switch format := e.Row(); {
	case e.Data == nil || format == NoRow || format == RowSQL:
		return appendText(dst, e.Data), nil
	case format == RowNothing:
		return append(dst, "{}"...), nil
	case format == RowJSON:
		dst, err = appendObject(dst, e.Data)
	default:
		dst, err = appendPairs(dst, e.Data)
	}
	if err != nil {
		err = fmt.Errorf("ev_data of event %d: %w", e.ID, err)
	}
	return dst, err
}

// appendPairs turns url-encoded pairs into a JSON object.
func appendPairs(dst, row []byte) ([]byte, error) {
	dst = append(dst, '{')
	for first := true; len(row) > 0; first = false {
		name, value, rest, err := quote.CutPair(row)
		if err != nil {
			return dst, err
		}
		row = rest
		if !first {
			dst = append(dst, ',')
		}
		if dst, err = appendEncoded(dst, name); err != nil {
			return dst, err
		}
		dst = append(dst, ':')
		if value == nil {
			dst = append(dst, "null"...)
			continue
		}
		if dst, err = appendEncoded(dst, value); err != nil {
			return dst, fmt.Errorf("%w in field %s", err, name)
		}
	}
	return append(dst, '}'), nil
}

// appendEncoded appends an url-encoded text as a JSON string.
func appendEncoded(dst, s []byte) ([]byte, error) {
	if bytes.IndexByte(s, '%') < 0 && bytes.IndexByte(s, '+') < 0 {
		return AppendString(dst, s), nil
	}
	// The decoded text lies for a moment where the string will be.
	at := len(dst)
	dst, err := quote.AppendUnURL(dst, s)
	if err != nil {
		return dst, err
	}
	end := len(dst)
	dst = AppendString(dst, dst[at:end])
	n := copy(dst[at:], dst[end:])
	return dst[:at+n], nil
}

// appendObject appends a JSON object, which has to be valid.
func appendObject(dst, data []byte) ([]byte, error) {
	if data = bytes.TrimSpace(data); len(data) == 0 || data[0] != '{' || !json.Valid(data) {
		return dst, errors.New("not a JSON object")
	}
	if !utf8.Valid(data) {
		data = bytes.ToValidUTF8(data, []byte("\ufffd"))
	}
	if bytes.ContainsAny(data, "\r\n") { // between the parts; inside a string it would be invalid
		var b bytes.Buffer
		if err := json.Compact(&b, data); err != nil {
			return dst, err
		}
		data = b.Bytes()
	}
	return append(dst, data...), nil
}
