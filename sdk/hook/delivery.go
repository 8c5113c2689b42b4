package hook

import "github.com/tenterhook/tenterhook/sdk/jsondoc"

// Events returns the events of an event hook's delivery (hooks.md section 3.2): the array
// data.events, or a missing Node.
func Events(delivery jsondoc.Node) jsondoc.Node {
	if n := delivery.Get("data").Get("events"); n.Kind() == jsondoc.Array {
		return n
	}
	return jsondoc.Node{}
}

// AppendDelivery appends a copy of the delivery whose only event is event, one of its own.
// Everything else stays as Okta wrote it.
func AppendDelivery(dst []byte, delivery, event jsondoc.Node) []byte {
	whole, list := delivery.Raw(), Events(delivery)
	if list.Kind() == jsondoc.Missing {
		return append(dst, whole...)
	}
	base, _ := delivery.Span()
	from, to := list.Span()
	dst = append(dst, whole[:from-base+1]...)
	dst = append(dst, event.Raw()...)
	return append(dst, whole[to-base-1:]...)
}
