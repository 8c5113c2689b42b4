package gate

import (
	"bytes"
	"errors"
	"net"
	"os"
)

// errStrict is what reading ends with when a request is refused while the server reads it; conn.refused says why.
var errStrict = errors.New("not a request this gate reads")

// noHead stands for a head that is refused: the server cannot read it either, and answers what unreadable says.
const noHead = "-\r\n\r\n"

// maxTold is how long what the server is told of a head can be.
const maxTold = 128

// Read gives the server the bytes of one request, as far as the frame has taken them: what it is told of the head, and then the body.
// What came behind it waits until the request is answered; a head that has not ended waits for its end.
func (c *conn) Read(p []byte) (int, error) {
	if c.closed.Load() {
		return 0, net.ErrClosed
	}
	if c.frame.phase == ended {
		if !c.fresh {
			return 0, errStrict // the server sees the request end elsewhere
		}
		c.frame, c.given = frame{}, false
	}
	if len(c.ahead) > 0 {
		return c.give(p)
	}
	n, err := c.receive(p)
	if n == 0 {
		if errors.Is(err, os.ErrDeadlineExceeded) {
			c.refused = slow
		}
		return 0, err
	}
	var room [maxTold]byte
	told, from, to, r := c.take(p[:n], room[:0])
	switch {
	case r == ask:
		c.ahead = append(c.ahead, p[:n]...)
		return c.give(p)
	case r != admitted:
		return c.refuse(p, r)
	}
	c.given = true
	if to < n {
		c.ahead = append(c.ahead, p[to:n]...)
	}
	if from > 0 {
		copy(p, told)
		copy(p[len(told):], p[from:to])
	}
	return len(told) + to - from, err
}

// take reads what comes next, and says what of it the server is given: told in place of a head, which it appends to b, and then what
// stands between from and to.
func (c *conn) take(p, b []byte) (told []byte, from, to int, r reason) {
	if c.frame.phase == inHead {
		if b, from, r = c.enter(p, b); r != admitted {
			return nil, 0, 0, r
		}
	}
	to, r = c.frame.take(p[from:])
	if r == admitted {
		r = c.affords()
	}
	return b, from, from + to, r
}

// give gives of what was received already, once it is known to be part of the request.
func (c *conn) give(p []byte) (int, error) {
	if c.fresh { // sent before the request ahead of it was answered
		c.fresh, c.first = false, c.last
	}
	if c.granted == 0 {
		err := c.grant()
		if errors.Is(err, os.ErrDeadlineExceeded) {
			return c.refuse(p, slow)
		}
		if err != nil {
			return 0, err
		}
		if c.refused != admitted {
			return c.refuse(p, c.refused)
		}
	}
	c.given = true
	n := copy(p, c.ahead[:c.granted])
	c.granted -= n
	if c.ahead = c.ahead[n:]; len(c.ahead) == 0 {
		c.ahead = nil
	}
	return n, nil
}

// grant takes what was received, and receives more while a head has not ended. A head is looked at anew only when another line of it
// has ended, of which there are not many.
func (c *conn) grant() error {
	var room [maxTold]byte
	told, from, to, r := c.take(c.ahead, room[:0])
	for r == ask {
		if len(c.ahead) >= c.g.o.MaxHeader {
			r = headTooLarge
			break
		}
		var part [512]byte
		k, err := c.receive(part[:min(len(part), c.g.o.MaxHeader-len(c.ahead))])
		if k == 0 {
			return err
		}
		if c.ahead = append(c.ahead, part[:k]...); bytes.IndexByte(part[:k], '\n') >= 0 {
			told, from, to, r = c.take(c.ahead, room[:0])
		}
	}
	if r != admitted {
		c.refused = r
		return nil
	}
	c.ahead = c.ahead[from-len(told):]
	copy(c.ahead, told)
	c.granted = len(told) + to - from
	return nil
}

// refuse ends the request.
func (c *conn) refuse(p []byte, r reason) (int, error) {
	c.refused, c.frame.phase = r, ended
	c.granted, c.ahead = 0, nil
	if c.given {
		return 0, errStrict
	}
	c.given = true
	return copy(p, noHead), nil
}
