package main

import (
	"bufio"
	"io"
	"strings"
	"unicode/utf8"
)

// writeTable writes the aligned form: title, header, dashes, one line a row,
// an empty line. A column is as wide as its longest value, at least 10, plus 2;
// the last one is not padded.
func writeTable(w io.Writer, title string, header []string, rows [][]string) error {
	width := make([]int, len(header))
	for _, row := range append([][]string{header}, rows...) {
		for i, v := range row {
			width[i] = max(width[i], utf8.RuneCountInString(v), 10)
		}
	}
	b := bufio.NewWriter(w)
	line := func(row []string) {
		for i, v := range row {
			b.WriteString(v)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", width[i]+2-utf8.RuneCountInString(v)))
			}
		}
		b.WriteByte('\n')
	}
	dashes := make([]string, len(header))
	for i := range dashes {
		dashes[i] = strings.Repeat("-", width[i])
	}
	b.WriteString(title + "\n")
	line(header)
	line(dashes)
	for _, r := range rows {
		line(r)
	}
	b.WriteByte('\n')
	return b.Flush()
}
