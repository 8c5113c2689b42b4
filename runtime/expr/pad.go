package expr

import "github.com/tenterhook/tenterhook/runtime"

func padStart(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	fill := filling(r, args, pos)
	if fill == nil {
		return args[0]
	}
	return joined(r, built(fill).Text(), args[0].Text())
}

func padEnd(r *runtime.Run, args []runtime.Value, pos string) runtime.Value {
	fill := filling(r, args, pos)
	if fill == nil {
		return args[0]
	}
	return joined(r, args[0].Text(), built(fill).Text())
}

// filling is what a text lacks to be as long as it is wanted; nil when it lacks nothing.
func filling(r *runtime.Run, args []runtime.Value, pos string) []byte {
	with := " "
	if len(args) == 3 {
		if with = args[2].Text(); with == "" {
			fail(pos, "want a text to fill up with")
		}
	}
	lacks := wantInt(args[1], pos) - characters(r, args[0].Text())
	if lacks <= 0 {
		return nil
	}
	if lacks > maxText {
		tooLarge("a text of more than %d bytes", maxText)
	}
	charge(r, lacks>>3)
	size := int(lacks/characters(r, with)) * len(with)
	size += skip(r, with, lacks%characters(r, with))
	b := room(r, size)
	for len(b)+len(with) <= size {
		b = append(b, with...)
	}
	return append(b, with[:size-len(b)]...)
}
