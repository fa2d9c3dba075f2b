package event

import "fmt"

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

// DecodeRow appends the value of ev_data as JSON: an object for an event of a
// row trigger, a string or null for any other. An event of logutriga has the
// type I:, U: or D: with key columns, and its fields become strings or null in
// their order; one of jsontriga has a JSON object as its type. The SQL
// fragments of sqltriga stay a string. Malformed row data is an error that
// names ev_id.
func DecodeRow(dst []byte, e *Event) ([]byte, error) {
	return dst, fmt.Errorf("decode event %d: not written yet", e.ID)
}
