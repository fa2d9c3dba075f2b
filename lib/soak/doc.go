// Package soak holds long proofs of the whole system: a model of the queue
// that many sessions disturb at random, storage that stays flat, programs and
// servers that are killed. It has no code of its own, only tests.
//
// Each test has a short form that runs with all the others, and a long one:
//
//	SOAK=1 go test -v -timeout 0 ./lib/soak
//
// SOAK_SEED repeats the random choices of an earlier run, whose output names
// the seed; what the scheduler made of them it cannot repeat. SOAK_SECONDS,
// SOAK_KILLS, SOAK_BATCHES and SOAK_EVENTS change how long or how much.
package soak
