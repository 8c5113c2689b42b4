package wasm

import (
	"bytes"
	"math/rand/v2"
	"testing"
)

func TestSnapshot(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		memory := make([]byte, (1+random.IntN(12))<<16)
		for range random.IntN(40) {
			from := random.IntN(len(memory))
			for i := range memory[from:min(len(memory), from+random.IntN(1<<random.IntN(20)))] {
				memory[from+i] = byte(i)
			}
		}
		m := takeSnapshot(memory)
		spoilt := bytes.Repeat([]byte{0xa5}, len(memory))
		if m.restore(spoilt); !bytes.Equal(spoilt, memory) {
			t.Fatal("what is restored is not what there was")
		}
		if !m.equal(takeSnapshot(spoilt)) {
			t.Error("the same memory has another image")
		}
		spoilt[random.IntN(len(memory))]++
		if m.equal(takeSnapshot(spoilt)) {
			t.Error("another memory has the same image")
		}
	}
}
