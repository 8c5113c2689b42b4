package gate

import (
	"bytes"
	"errors"
	"net"
	"os"
)

// errRejected ends the server's reading of a rejected request. conn.rejection has the reason.
var errRejected = errors.New("not a request this gate reads")

// invalidHead replaces a rejected head: the server cannot parse it, and calls rejectUnreadable.
const invalidHead = "-\r\n\r\n"

// maxMinimalHead is the largest length of a minimal head.
const maxMinimalHead = 128

// Read delivers one request to the server: the minimal head and then the body, as far as the frame
// has accepted it. Bytes behind the request wait until it is answered. An incomplete head waits for
// its end.
func (c *conn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	if c.frame.phase == ended {
		if !c.betweenRequests {
			return 0, errRejected // the server expects more of a request that has ended
		}
		c.frame, c.serverHasBytes = frame{}, false
	}
	if len(c.buffered) > 0 {
		return c.deliver(p)
	}
	n, err := c.receive(p)
	if n == 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.rejection = timedOut
		}
		return 0, err
	}
	var room [maxMinimalHead]byte
	minimal, from, to, r := c.parseNext(p[:n], room[:0])
	switch {
	case r == needMore:
		c.buffered = append(c.buffered, p[:n]...)
		return c.deliver(p)
	case r != admitted:
		return c.rejectRequest(p, r)
	}
	c.serverHasBytes = true
	if to < n {
		c.buffered = append(c.buffered, p[to:n]...)
	}
	if from > 0 {
		copy(p, minimal)
		copy(p[len(minimal):], p[from:to])
	}
	return len(minimal) + to - from, err
}

// parseNext parses the next bytes. The server gets the minimal head, if a head was parsed, which is
// appended to b, and then the bytes between from and to.
func (c *conn) parseNext(p, b []byte) (minimal []byte, from, to int, r reason) {
	if c.frame.phase == inHead {
		if b, from, r = c.admitRequest(p, b); r != admitted {
			return nil, 0, 0, r
		}
	}
	to, r = c.frame.scan(p[from:])
	if r == admitted {
		r = c.reserveChunks()
	}
	return b, from, from + to, r
}

// deliver copies buffered bytes to the server, once the frame has accepted them.
func (c *conn) deliver(p []byte) (int, error) {
	if c.betweenRequests { // pipelined
		c.betweenRequests, c.firstByte = false, c.lastRead
	}
	if c.approved == 0 {
		err := c.approve()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.rejectRequest(p, timedOut)
		}
		if err != nil {
			return 0, err
		}
		if c.rejection != admitted {
			return c.rejectRequest(p, c.rejection)
		}
	}
	c.serverHasBytes = true
	n := copy(p, c.buffered[:c.approved])
	c.approved -= n
	if c.buffered = c.buffered[n:]; len(c.buffered) == 0 {
		c.buffered = nil
	}
	return n, nil
}

// approve parses the buffered bytes, and receives more until the head is complete. It parses the
// head anew only after another line has ended, and the number of lines is limited.
func (c *conn) approve() error {
	var room [maxMinimalHead]byte
	minimal, from, to, r := c.parseNext(c.buffered, room[:0])
	for r == needMore {
		if len(c.buffered) >= c.g.o.MaxHeader {
			r = headTooLarge
			break
		}
		var part [512]byte
		k, err := c.receive(part[:min(len(part), c.g.o.MaxHeader-len(c.buffered))])
		if k == 0 {
			return err
		}
		if c.buffered = append(c.buffered, part[:k]...); bytes.IndexByte(part[:k], '\n') >= 0 {
			minimal, from, to, r = c.parseNext(c.buffered, room[:0])
		}
	}
	if r != admitted {
		c.rejection = r
		return nil
	}
	c.buffered = c.buffered[from-len(minimal):]
	copy(c.buffered, minimal)
	c.approved = len(minimal) + to - from
	return nil
}

// rejectRequest ends the request with a reason.
func (c *conn) rejectRequest(p []byte, r reason) (int, error) {
	c.rejection, c.frame.phase = r, ended
	c.approved, c.buffered = 0, nil
	if c.serverHasBytes {
		return 0, errRejected
	}
	c.serverHasBytes = true
	return copy(p, invalidHead), nil
}
