package quote

import (
	"bytes"
	"errors"
	"fmt"
)

const hexDigits = "0123456789abcdef"

// AppendURL appends s url-encoded, in the way of the row triggers: letters,
// digits, '_', '.' and '-' stay, a blank becomes '+', any other byte '%' and
// two lower-case hex digits.
func AppendURL(dst, s []byte) []byte {
	for _, c := range s {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '_', c == '.', c == '-':
			dst = append(dst, c)
		case c == ' ':
			dst = append(dst, '+')
		default:
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

// AppendPair appends name=value url-encoded, or the name alone for a nil
// value, which is NULL. It puts '&' before it unless dst is empty.
func AppendPair(dst, name, value []byte) []byte {
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = AppendURL(dst, name)
	if value == nil {
		return dst
	}
	return AppendURL(append(dst, '='), value)
}

// AppendUnURL appends what the url-encoded s stands for. Bytes that need not
// be encoded but could be are taken as they are.
func AppendUnURL(dst, s []byte) ([]byte, error) {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch c {
		case '+':
			c = ' '
		case '%':
			if i+2 >= len(s) || unhex(s[i+1]) < 0 || unhex(s[i+2]) < 0 {
				return dst, fmt.Errorf("bad %%-escape %q", s[i:min(i+3, len(s))])
			}
			c = byte(unhex(s[i+1])<<4 | unhex(s[i+2]))
			i += 2
		}
		dst = append(dst, c)
	}
	return dst, nil
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c-'a') + 10
	case 'A' <= c && c <= 'F':
		return int(c-'A') + 10
	}
	return -1
}

// CutPair takes the first pair off an encoded row and splits it; what it
// returns is still encoded. A nil value is NULL. An empty row has no pairs.
func CutPair(row []byte) (name, value, rest []byte, err error) {
	pair, rest, more := bytes.Cut(row, []byte{'&'})
	if more && len(rest) == 0 {
		return nil, nil, nil, errors.New("row ends in &")
	}
	name, value, ok := bytes.Cut(pair, []byte{'='})
	if len(name) == 0 {
		return nil, nil, nil, errors.New("field without a name")
	}
	if !ok {
		value = nil
	}
	return name, value, rest, nil
}
