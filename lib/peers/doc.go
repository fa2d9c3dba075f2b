// Package peers runs our programs and our schema together with those of
// upstream, as Debian packages them: pgqd, python3-pgq and postgresql-15-pgq3.
// They are black boxes here. It has no code of its own, only tests.
//
// A run is a queue in one of the schemas, one or two tickers, and consumers of
// both houses; all that was committed is counted and compared by ev_id. The
// short form has 2,000 events, the long one 100,000:
//
//	SOAK=1 go test -v -timeout 0 ./lib/peers
//
// SOAK_EVENTS is another number, SOAK_SEED repeats the random choices of an
// earlier run.
package peers
