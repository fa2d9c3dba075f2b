// Pgqd is the ticker daemon of PgQ: for each database of a server it makes the
// ticks, moves retried events back and does the maintenance. Beyond what
// upstream's pgqd does, it looks for new events often while there is traffic,
// so that a queue with ticker_max_lag 0 is ticked within milliseconds.
package main

import "skytools/lib/cli"

func main() { cli.Main(run) }
