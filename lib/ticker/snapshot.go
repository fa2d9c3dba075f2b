package ticker

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// A snapshot is a txid_snapshot: ids below xmin have ended, ids from xmax on
// have not ended or not begun, and of those between them the ones in xip, in
// ascending order, have not ended. An open transaction may have an id at or
// above xmax: xmax is one more than the highest id that has ended.
type snapshot struct {
	xmin, xmax int64
	xip        []int64
}

// parseSnapshot parses "xmin:xmax:xip,xip,...".
func parseSnapshot(s string) (snapshot, error) {
	bad := func() (snapshot, error) { return snapshot{}, fmt.Errorf("malformed snapshot %q", s) }
	lo, rest, ok := strings.Cut(s, ":")
	hi, list, ok2 := strings.Cut(rest, ":")
	if !ok || !ok2 {
		return bad()
	}
	var sn snapshot
	var err error
	if sn.xmin, err = strconv.ParseInt(lo, 10, 64); err != nil {
		return bad()
	}
	if sn.xmax, err = strconv.ParseInt(hi, 10, 64); err != nil {
		return bad()
	}
	if list == "" {
		return sn, nil
	}
	for f := range strings.SplitSeq(list, ",") {
		x, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			return bad()
		}
		sn.xip = append(sn.xip, x)
	}
	if !slices.IsSorted(sn.xip) {
		return bad()
	}
	return sn, nil
}

// ended tells whether id had committed or aborted when s was taken.
func (s snapshot) ended(id int64) bool {
	if id >= s.xmax {
		return false
	}
	_, open := slices.BinarySearch(s.xip, id)
	return !open
}

// endedSince tells whether any id below fence was open in old and has ended
// in now.
func endedSince(old, now snapshot, fence int64) bool {
	for _, id := range old.xip {
		if id < fence && now.ended(id) {
			return true
		}
	}
	// Of the ids that old does not know at all, those in now.xip are open, the
	// others have ended.
	lo, hi := old.xmax, min(fence, now.xmax)
	if lo >= hi {
		return false
	}
	i, _ := slices.BinarySearch(now.xip, lo)
	j, _ := slices.BinarySearch(now.xip, hi)
	return hi-lo > int64(j-i)
}
