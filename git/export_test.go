package git

import "time"

// SetPoll shortens the wait for what only the poll can see.
func (d *Directory) SetPoll(every time.Duration) { d.poll = every }
