package cli

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Seconds is a duration option: a number of seconds, or a number with one of
// PostgreSQL's units.
type Seconds time.Duration

var units = []struct {
	suffix string
	d      time.Duration
}{ // longer suffixes first
	{"min", time.Minute}, {"ms", time.Millisecond}, {"us", time.Microsecond},
	{"s", time.Second}, {"h", time.Hour}, {"d", 24 * time.Hour},
}

// UnmarshalFlag parses "0.5", "500ms", "2 min".
func (s *Seconds) UnmarshalFlag(v string) error {
	num, unit := strings.TrimSpace(v), time.Second
	for _, u := range units {
		if n, ok := strings.CutSuffix(num, u.suffix); ok {
			num, unit = strings.TrimSpace(n), u.d
			break
		}
	}
	f, err := strconv.ParseFloat(num, 64)
	if err != nil || strings.ContainsAny(num, "xX_pPnN") { // hexadecimal, NaN, Inf
		return fmt.Errorf("%q is not a number of seconds", v)
	}
	f *= float64(unit)
	if f < 0 || f > math.MaxInt64/2 {
		return fmt.Errorf("%q is out of range", v)
	}
	*s = Seconds(math.Round(f))
	return nil
}

// MarshalFlag gives the number of seconds.
func (s Seconds) MarshalFlag() (string, error) { return s.String(), nil }

func (s Seconds) String() string {
	return strconv.FormatFloat(time.Duration(s).Seconds(), 'f', -1, 64)
}

// Duration is s as a time.Duration.
func (s Seconds) Duration() time.Duration { return time.Duration(s) }

// Switch is an option that ini files write as 0 or 1. As a flag it may stand
// alone: give it the tags optional:"yes" optional-value:"1".
type Switch string

// UnmarshalFlag parses PostgreSQL's words for a boolean.
func (s *Switch) UnmarshalFlag(v string) error {
	switch strings.ToLower(strings.TrimSpace(v)) {
	case "1", "on", "true", "yes":
		*s = "1"
	case "0", "off", "false", "no":
		*s = "0"
	default:
		return fmt.Errorf("%q is neither 0 nor 1", v)
	}
	return nil
}

// On tells whether the switch is on.
func (s Switch) On() bool { return s == "1" }

// Path is the name of a file, in which a leading ~ is the home directory.
type Path string

// UnmarshalFlag expands ~ and ~/.
func (p *Path) UnmarshalFlag(v string) error {
	if v == "~" || strings.HasPrefix(v, "~/") {
		home, err := os.UserHomeDir()
		if err != nil {
			return err
		}
		v = filepath.Join(home, v[1:])
	}
	*p = Path(v)
	return nil
}

var (
	// password and sslpassword, quoted or not; in a URL a value ends at &
	passwordPair  = regexp.MustCompile(`(?is)(\w*password\s*=\s*)('(?:[^'\\]|\\.)*'?|(?:\\.|[^\s])+)`)
	passwordQuery = regexp.MustCompile(`(?is)(\w*password=)[^&]*`)
	// user:password@ of a URL; a sloppy one has an @ in the password
	passwordURL = regexp.MustCompile(`(?s)^(\s*\w+://[^:@/?]*:)[^/?]*@`)
)

// MaskConnString replaces the passwords in a connection string by stars.
func MaskConnString(s string) string {
	if strings.Contains(s, "://") {
		s = passwordURL.ReplaceAllString(s, "${1}********@")
		return passwordQuery.ReplaceAllString(s, "${1}********")
	}
	return passwordPair.ReplaceAllString(s, "${1}********")
}
