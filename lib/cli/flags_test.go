package cli

import (
	"testing"

	"github.com/jessevdk/go-flags"
)

func TestFlagError(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name string
		args []string
		want string
	}{
		{"unknown long", []string{"--bogus"}, "unknown option --bogus"},
		{"unknown short", []string{"-Z"}, "unknown option -Z"},
		{"no value", []string{"-q"}, "option --queue needs a value"},
		{"value for a switch", []string{"--switch=x"}, "option --switch takes no value"},
		{"no number", []string{"--count", "abc"}, `option --count: "abc" is not a whole number`},
		{"too large", []string{"--count", "99999999999999999999"}, `option --count: "99999999999999999999" is out of range`},
		{"choice", []string{"--form", "xml"}, `option --form: unknown value "xml": use a or b`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var o struct {
				Queue  string `short:"q" long:"queue"`
				Switch bool   `short:"s" long:"switch"`
				Count  *int   `long:"count"`
				Form   string `long:"form" choice:"a" choice:"b"`
			}
			_, err := flags.NewParser(&o, flags.None).ParseArgs(tt.args)
			got := FlagError(err)
			if got.Error() != tt.want || ExitCode(got) != ExitUsage {
				t.Errorf("got %q, code %d; want %q, code %d", got, ExitCode(got), tt.want, ExitUsage)
			}
		})
	}
}
