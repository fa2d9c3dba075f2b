package output

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// OIDs of the types that JSON knows or that are written otherwise.
const (
	oidBool        = 16
	oidInt8        = 20
	oidInt2        = 21
	oidInt4        = 23
	oidOID         = 26
	oidJSON        = 114
	oidFloat4      = 700
	oidFloat8      = 701
	oidTimestamp   = 1114
	oidTimestamptz = 1184
	oidInterval    = 1186
	oidNumeric     = 1700
	oidJSONB       = 3802
)

// jsonTable writes an object for each row: one a line, and in an array unless
// it is jsonl.
type jsonTable struct {
	w     *bufio.Writer
	o     Options
	cols  []Column
	keys  [][]byte // with the colon
	rows  int
	array bool
}

func newJSON(w io.Writer, o Options, cols []Column) Table {
	t := &jsonTable{w: bufio.NewWriter(w), o: o, cols: cols, array: o.Format == "json"}
	seen := map[string]bool{}
	for _, c := range cols {
		// An object cannot have a key twice, a row can.
		name := c.Name
		for n := 2; seen[name]; n++ {
			name = c.Name + "_" + itoa(n)
		}
		seen[name] = true
		t.keys = append(t.keys, []byte(quoted(name)))
	}
	return t
}

func (t *jsonTable) Row(values [][]byte) error {
	t.rows++
	if t.array {
		lead := ",\n"
		if t.rows == 1 {
			lead = "[\n"
		}
		t.w.WriteString(lead)
	}
	t.w.WriteByte('{')
	for i, v := range values {
		if i > 0 {
			t.w.WriteByte(',')
		}
		t.w.Write(t.keys[i])
		t.w.WriteByte(':')
		t.w.WriteString(jsonValue(t.cols[i].OID, v))
		if t.o.Seconds && t.cols[i].OID == oidInterval {
			key := string(t.keys[i])
			t.w.WriteString("," + key[:len(key)-1] + `_seconds":` + intervalSeconds(v))
		}
	}
	t.w.WriteByte('}')
	if !t.array {
		t.w.WriteByte('\n')
	}
	if t.rows%1000 == 0 {
		return t.w.Flush()
	}
	return nil
}

func (t *jsonTable) Close() error {
	if t.array {
		if t.rows == 0 {
			t.w.WriteByte('[')
		} else {
			t.w.WriteByte('\n')
		}
		t.w.WriteString("]\n")
	}
	return t.w.Flush()
}

func jsonValue(oid uint32, v []byte) string {
	if v == nil {
		return "null"
	}
	s := string(v)
	switch oid {
	case oidBool:
		if s == "t" || s == "f" {
			return map[string]string{"t": "true", "f": "false"}[s]
		}
	case oidInt2, oidInt4, oidInt8, oidOID, oidFloat4, oidFloat8, oidNumeric:
		// Infinity and NaN are no numbers to JSON.
		if json.Valid(v) {
			return s
		}
	case oidJSON, oidJSONB:
		var b bytes.Buffer
		if json.Compact(&b, v) == nil {
			return b.String()
		}
	case oidTimestamp, oidTimestamptz:
		return quoted(isoTime(s))
	}
	return quoted(s)
}

// quoted writes a string without the escapes that are for HTML.
func quoted(s string) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(valid(s)) // a string can always be encoded
	return strings.TrimSuffix(b.String(), "\n")
}

var serverTime = regexp.MustCompile(`^(\d{4,}-\d\d-\d\d) (\d\d:\d\d:\d\d(?:\.\d+)?)([+-]\d\d)?(:\d\d)?$`)

// isoTime turns the server's form of a time into that of ISO 8601. What it
// does not know, infinity and BC, stays.
func isoTime(s string) string {
	m := serverTime.FindStringSubmatch(s)
	if m == nil {
		return s
	}
	if m[3] != "" && m[4] == "" {
		m[4] = ":00"
	}
	return m[1] + "T" + m[2] + m[3] + m[4]
}

var intervalPart = regexp.MustCompile(`(-?\d+) (year|mon|day)|(-?)(\d+):(\d\d):(\d\d(?:\.\d+)?)`)

// IntervalSeconds gives the length of an interval, 0 for what is none.
func IntervalSeconds(text string) float64 {
	n, _ := strconv.ParseFloat(intervalSeconds([]byte(text)), 64)
	return n
}

// intervalSeconds turns an interval in the style postgres into seconds, with
// the server's lengths of months and years.
func intervalSeconds(v []byte) string {
	if v == nil {
		return "null"
	}
	sum := 0.0
	for _, m := range intervalPart.FindAllStringSubmatch(string(v), -1) {
		n, _ := strconv.ParseFloat(m[1], 64)
		switch m[2] {
		case "year":
			sum += n * 365.25 * 86400
			continue
		case "mon":
			sum += n * 30 * 86400
			continue
		case "day":
			sum += n * 86400
			continue
		}
		h, _ := strconv.ParseFloat(m[4], 64)
		mi, _ := strconv.ParseFloat(m[5], 64)
		sec, _ := strconv.ParseFloat(m[6], 64)
		t := h*3600 + mi*60 + sec
		if m[3] == "-" {
			t = -t
		}
		sum += t
	}
	return strconv.FormatFloat(sum, 'f', -1, 64)
}
