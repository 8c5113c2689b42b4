package gate

import (
	"bytes"
	"errors"
	"net"
	"os"
)

// errRejected is what reading ends with when a request is refused while the server reads it; conn.refused says why.
var errRejected = errors.New("not a request this gate reads")

// invalidHead stands for a head that is refused: the server cannot read it either, and answers what unreadable says.
const invalidHead = "-\r\n\r\n"

// maxMinimalHead is how long what the server is told of a head can be.
const maxMinimalHead = 128

// Read gives the server the bytes of one request, as far as the frame has taken them: what it is told of the head, and then the body.
// What came behind it waits until the request is answered; a head that has not ended waits for its end.
func (c *conn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	if c.frame.phase == ended {
		if !c.betweenRequests {
			return 0, errRejected // the server sees the request end elsewhere
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
	told, from, to, r := c.parseNext(p[:n], room[:0])
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
		copy(p, told)
		copy(p[len(told):], p[from:to])
	}
	return len(told) + to - from, err
}

// parseNext reads what comes next, and says what of it the server is given: told in place of a head, which it appends to b, and then what
// stands between from and to.
func (c *conn) parseNext(p, b []byte) (told []byte, from, to int, r reason) {
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

// deliver gives of what was received already, once it is known to be part of the request.
func (c *conn) deliver(p []byte) (int, error) {
	if c.betweenRequests { // sent before the request ahead of it was answered
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

// approve takes what was received, and receives more while a head has not ended. A head is looked at anew only when another line of it
// has ended, of which there are not many.
func (c *conn) approve() error {
	var room [maxMinimalHead]byte
	told, from, to, r := c.parseNext(c.buffered, room[:0])
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
			told, from, to, r = c.parseNext(c.buffered, room[:0])
		}
	}
	if r != admitted {
		c.rejection = r
		return nil
	}
	c.buffered = c.buffered[from-len(told):]
	copy(c.buffered, told)
	c.approved = len(told) + to - from
	return nil
}

// rejectRequest ends the request.
func (c *conn) rejectRequest(p []byte, r reason) (int, error) {
	c.rejection, c.frame.phase = r, ended
	c.approved, c.buffered = 0, nil
	if c.serverHasBytes {
		return 0, errRejected
	}
	c.serverHasBytes = true
	return copy(p, invalidHead), nil
}
