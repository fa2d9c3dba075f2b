// Package bench compares the programs with their peers and their limits, each
// pair in turn on one private server, and writes RESULTS.md. It consists of
// tests that run only with BENCH=1: `make bench`.
package bench
