// Command guest is a module that reads and writes JSON, built with the standard toolchain for tests.
package main

import (
	"encoding/json"
	"sort"
	"unsafe"
)

func main() {}

var buffer [1 << 16]byte

//go:wasmexport buffer
func bufferAt() int32 { return int32(uintptr(unsafe.Pointer(&buffer[0]))) }

type order struct {
	ID    string `json:"id"`
	Lines []struct {
		SKU   string  `json:"sku"`
		Qty   int     `json:"qty"`
		Price float64 `json:"price"`
	} `json:"lines"`
	Tags []string `json:"tags"`
}

// run reads n bytes of the buffer and writes its answer there.
//
//go:wasmexport run
func run(n int32) int32 {
	var o order
	if err := json.Unmarshal(buffer[:n], &o); err != nil {
		return -1
	}
	total := 0.0
	for _, l := range o.Lines {
		total += float64(l.Qty) * l.Price
	}
	sort.Strings(o.Tags)
	out, err := json.Marshal(map[string]any{"id": o.ID, "total": total, "tags": o.Tags})
	if err != nil {
		return -1
	}
	return int32(copy(buffer[:], out))
}
