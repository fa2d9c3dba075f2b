package soak

import (
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"
)

// long tells whether the long forms run.
var long = os.Getenv("SOAK") != ""

// pick returns the long form's value or the short one's.
func pick[T any](short, inLong T) T {
	if long {
		return inLong
	}
	return short
}

// number returns an environment variable's value, or a default.
func number(t testing.TB, name string, otherwise int64) int64 {
	t.Helper()
	s := os.Getenv(name)
	if s == "" {
		return otherwise
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil {
		t.Fatalf("%s=%s is not a number", name, s)
	}
	return n
}

// lasting returns how long a test goes on making trouble.
func lasting(t testing.TB, short, inLong time.Duration) time.Duration {
	t.Helper()
	return time.Duration(number(t, "SOAK_SECONDS", int64(pick(short, inLong)/time.Second))) * time.Second
}

// seed returns the seed of a test's random choices and makes it known.
func seed(t testing.TB) uint64 {
	t.Helper()
	s := uint64(number(t, "SOAK_SEED", time.Now().UnixNano()%1e9))
	t.Logf("SOAK_SEED=%d", s)
	return s
}

// random returns the n-th source of random choices of a seed.
func random(seed uint64, n int) *rand.Rand { return rand.New(rand.NewPCG(seed, uint64(n))) }
