package main

import (
	"fmt"
	"strconv"
	"strings"

	"skytools/lib/event"
)

// field is a column of an event, in the order of the output.
type field int

const (
	fieldID field = iota
	fieldTime
	fieldTxID
	fieldRetry
	fieldType
	fieldData
	fieldExtra1
	fieldExtra2
	fieldExtra3
	fieldExtra4
	numFields
)

var fieldNames = [numFields]string{
	"ev_id", "ev_time", "ev_txid", "ev_retry", "ev_type", "ev_data",
	"ev_extra1", "ev_extra2", "ev_extra3", "ev_extra4",
}

var fieldByName = func() map[string]field {
	m := make(map[string]field, numFields)
	for f, name := range fieldNames {
		m[name] = field(f)
	}
	return m
}()

// fieldList names all fields for a message, each in the given format.
func fieldList(format string) string {
	var names []string
	for _, n := range fieldNames {
		names = append(names, fmt.Sprintf(format, n))
	}
	return strings.Join(names, ", ")
}

// text returns a column that is text; nil is null.
func (f field) text(e *event.Event) []byte {
	switch f {
	case fieldType:
		return e.Type
	case fieldData:
		return e.Data
	}
	return e.Extra[f-fieldExtra1]
}

// append appends any column in the text form of the server. It returns false
// for null.
func (f field) append(dst []byte, e *event.Event) ([]byte, bool) {
	switch f {
	case fieldID:
		return strconv.AppendInt(dst, e.ID, 10), true
	case fieldTime:
		return appendTime(dst, e.Time), true
	case fieldTxID:
		return strconv.AppendInt(dst, e.Txid, 10), true
	case fieldRetry:
		if !e.HasRetry {
			return dst, false
		}
		return strconv.AppendInt(dst, int64(e.Retry), 10), true
	}
	v := f.text(e)
	return append(dst, v...), v != nil
}

// appendTime appends t as in JSON, without the quotes. PostgreSQL reads all of
// its forms.
func appendTime(dst []byte, t event.Timestamp) []byte {
	n := len(dst)
	dst = event.AppendTime(dst, t)
	copy(dst[n:], dst[n+1:len(dst)-1])
	return dst[:len(dst)-2]
}
