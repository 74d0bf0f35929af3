package lab

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"golang.org/x/sync/errgroup"
)

// Down removes the lab and all that it made.
func (l *Lab) Down() error { return Remove(l.plan.Name) }

// Remove removes a lab by name, however much of it there is: none is fine, and
// so is one whose maker was killed half-way. It waits for an Up that is at work.
func Remove(name string) error {
	if !goodName.MatchString(name) {
		return fmt.Errorf("remove %q: no name of a lab", name)
	}
	dir := filepath.Join(baseDir, name)
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	lock, err := lockDir(ctx, dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	defer lock.Close()
	p, err := readPlan(name)
	if errors.Is(err, fs.ErrNotExist) {
		// Its maker was killed before there was a plan, or its remover was
		// after all else had gone.
		return removeDir(dir)
	}
	if err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	p.lock = lock
	return newLab(p).remove()
}

// remove takes the lab apart, its lock being held. What fails does not keep the
// rest from going; the directory, with the plan in it, only goes when all else has.
func (l *Lab) remove() error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	// Engines are not asked to stop: all that they made goes with their
	// namespaces, and a clean shutdown waits for containers up to 10 s each.
	var group errgroup.Group
	for _, n := range l.nodes {
		group.Go(func() error {
			p, err := readPidFile(n.pidFile())
			if err != nil {
				return err
			}
			return errors.Join(p.kill(), killInside(n.Netns))
		})
	}
	group.Go(l.stopRegistry)
	group.Go(l.stopLaunched)
	if err := group.Wait(); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	if err := errors.Join(removeNetwork(ctx, l.plan), removeCgroups(l.plan)); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	return removeDir(l.plan.dir())
}

// removeDir removes a lab's directory, and the one above it after the last lab.
func removeDir(dir string) error {
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("remove: %w", err)
	}
	// The lock keeps it from vanishing under somebody who is about to plan.
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if lock, err := lockDir(ctx, baseDir); err == nil {
		os.Remove(baseDir)
		lock.Close()
	}
	return nil
}
