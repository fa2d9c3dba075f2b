package event

import (
	"encoding/binary"
	"math/bits"
	"strconv"
	"unicode/utf8"
)

// AppendJSON appends e as one JSON object, without a newline: ev_id, ev_time,
// ev_txid, ev_type, ev_data, then those of ev_retry and ev_extra1 to ev_extra4
// that are not null.
func AppendJSON(dst []byte, e *Event) []byte {
	dst = appendHead(dst, e)
	dst = appendText(dst, e.Data)
	return appendTail(dst, e)
}

// appendHead appends everything up to the value of ev_data.
func appendHead(dst []byte, e *Event) []byte {
	dst = append(dst, `{"ev_id":`...)
	dst = strconv.AppendInt(dst, e.ID, 10)
	dst = append(dst, `,"ev_time":`...)
	dst = AppendTime(dst, e.Time)
	dst = append(dst, `,"ev_txid":`...)
	dst = strconv.AppendInt(dst, e.Txid, 10)
	dst = append(dst, `,"ev_type":`...)
	dst = appendText(dst, e.Type)
	return append(dst, `,"ev_data":`...)
}

var extraKeys = [4]string{`,"ev_extra1":`, `,"ev_extra2":`, `,"ev_extra3":`, `,"ev_extra4":`}

// appendTail appends what follows the value of ev_data.
func appendTail(dst []byte, e *Event) []byte {
	if e.HasRetry {
		dst = append(dst, `,"ev_retry":`...)
		dst = strconv.AppendInt(dst, int64(e.Retry), 10)
	}
	for i := range e.Extra {
		if e.Extra[i] != nil {
			dst = append(dst, extraKeys[i]...)
			dst = AppendString(dst, e.Extra[i])
		}
	}
	return append(dst, '}')
}

func appendText(dst, s []byte) []byte {
	if s == nil {
		return append(dst, "null"...)
	}
	return AppendString(dst, s)
}

// AppendTime appends t as a JSON string: RFC 3339 in UTC with microseconds,
// "infinity" and "-infinity". Years beyond 9999 have more digits and those
// before our era end in " BC", as in the server's own to_json.
func AppendTime(dst []byte, t Timestamp) []byte {
	switch t {
	case Infinity:
		return append(dst, `"infinity"`...)
	case NegativeInfinity:
		return append(dst, `"-infinity"`...)
	}
	days, us := divmod(int64(t), 86400*1e6)
	year, month, day := civil(days)
	bc := year <= 0
	if bc {
		year = 1 - year // there is no year 0: 1 BC is 0, 2 BC is -1
	}
	sec := us / 1e6
	dst = append(dst, '"')
	if year > 9999 {
		dst = strconv.AppendInt(dst, year/100, 10)
	} else {
		dst = append2(dst, year/100)
	}
	dst = append2(dst, year%100)
	dst = append2(append(dst, '-'), month)
	dst = append2(append(dst, '-'), day)
	dst = append2(append(dst, 'T'), sec/3600)
	dst = append2(append(dst, ':'), sec/60%60)
	dst = append2(append(dst, ':'), sec%60)
	us %= 1e6
	dst = append2(append(dst, '.'), us/10000)
	dst = append2(dst, us/100%100)
	dst = append2(dst, us%100)
	dst = append(dst, 'Z')
	if bc {
		dst = append(dst, " BC"...)
	}
	return append(dst, '"')
}

// append2 appends two digits.
func append2(dst []byte, n int64) []byte {
	return append(dst, byte('0'+n/10), byte('0'+n%10))
}

// civil turns days since 2000-01-01 into a date of the proleptic Gregorian
// calendar, with year 0 as 1 BC. It counts years from March, so that the leap
// day is the last of its year, in eras of 400 years.
func civil(days int64) (year, month, day int64) {
	const eraDays = 146097
	era, doe := divmod(days+730425, eraDays) // 730425 days from 0000-03-01
	yoe := (doe - doe/1460 + doe/36524 - doe/146096) / 365
	doy := doe - (365*yoe + yoe/4 - yoe/100)
	mp := (5*doy + 2) / 153
	day = doy - (153*mp+2)/5 + 1
	month = mp + 3
	year = yoe + era*400
	if month > 12 {
		month -= 12
		year++
	}
	return year, month, day
}

const hexDigits = "0123456789abcdef"

// AppendString appends s as a JSON string. It escapes what the server's
// to_json escapes and nothing else: the quote, the backslash and the control
// characters below a blank. A byte that is no part of valid UTF-8, which only
// an SQL_ASCII database can deliver, becomes U+FFFD.
func AppendString(dst, s []byte) []byte {
	dst = append(dst, '"')
	start := 0
	for i := 0; ; {
		i += plain(s[i:])
		if i == len(s) {
			break
		}
		for i < len(s) && s[i] >= utf8.RuneSelf {
			r, n := utf8.DecodeRune(s[i:])
			if r == utf8.RuneError && n == 1 {
				dst = append(dst, s[start:i]...)
				dst = append(dst, "\ufffd"...)
				start = i + 1
			}
			i += n
		}
		if i == len(s) {
			break
		}
		c := s[i]
		if c >= ' ' && c != '"' && c != '\\' {
			continue
		}
		dst = append(dst, s[start:i]...)
		switch c {
		case '"', '\\':
			dst = append(dst, '\\', c)
		case '\b':
			dst = append(dst, '\\', 'b')
		case '\f':
			dst = append(dst, '\\', 'f')
		case '\n':
			dst = append(dst, '\\', 'n')
		case '\r':
			dst = append(dst, '\\', 'r')
		case '\t':
			dst = append(dst, '\\', 't')
		default:
			dst = append(dst, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	dst = append(dst, s[start:]...)
	return append(dst, '"')
}

// plain returns how many bytes at the start of s stand for themselves in a
// JSON string and are ASCII. It looks at eight bytes at a time: the classical
// test for a zero byte in a word, once for each kind of special byte. A false
// alarm of these tests is only ever above a true one, so the lowest is true.
func plain(s []byte) int {
	const (
		ones  = 0x0101010101010101
		highs = 0x8080808080808080
	)
	i := 0
	for ; i+8 <= len(s); i += 8 {
		w := binary.LittleEndian.Uint64(s[i:])
		quote := w ^ ones*'"'
		slash := w ^ ones*'\\'
		m := (w | (w - ones*' ') | (quote - ones) | (slash - ones)) & highs
		if m != 0 {
			return i + bits.TrailingZeros64(m)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c >= utf8.RuneSelf || c == '"' || c == '\\' {
			break
		}
	}
	return i
}
