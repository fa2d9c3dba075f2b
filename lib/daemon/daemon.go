// Package daemon is what a long-running program needs from its surroundings:
// the service manager's notify socket, a watchdog that is fed by work, a
// pidfile, the hangup signal, the way into the background. It knows nothing
// about what the program does.
package daemon

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"

	sd "github.com/coreos/go-systemd/v22/daemon"
)

// notify sends state to the service manager. Without one it does nothing; a
// manager that does not listen is not the daemon's problem.
func notify(state string) { _, _ = sd.SdNotify(false, state) }

// Ready tells the service manager that the daemon works, or works again after
// Reloading.
func Ready(status string) { notify(sd.SdNotifyReady + "\nSTATUS=" + status) }

// Status shows one line of text in systemctl status.
func Status(text string) { notify("STATUS=" + text) }

// Reloading tells the service manager that the configuration is being read
// again; Ready ends it.
func Reloading() { notify(sd.SdNotifyReloading) }

// Stopping tells the service manager that the daemon is about to end.
func Stopping(status string) { notify(sd.SdNotifyStopping + "\nSTATUS=" + status) }

// WatchdogInterval returns how often the service manager wants to be fed, or
// 0. Half of it is a good period.
func WatchdogInterval() time.Duration {
	d, err := sd.SdWatchdogEnabled(false)
	if err != nil {
		return 0
	}
	return d
}

// Hangups returns a channel that receives on each SIGHUP until ctx ends.
// Hangups that come faster than they are received count as one.
func Hangups(ctx context.Context) <-chan struct{} {
	sig := make(chan os.Signal, 1)
	out := make(chan struct{}, 1)
	signal.Notify(sig, syscall.SIGHUP)
	go func() {
		defer signal.Stop(sig)
		for {
			select {
			case <-ctx.Done():
				return
			case <-sig:
				select {
				case out <- struct{}{}:
				default:
				}
			}
		}
	}()
	return out
}
