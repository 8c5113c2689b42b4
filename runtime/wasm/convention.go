package wasm

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tenterhook/tenterhook/runtime/wasm/meter"
)

// What a module of ours exports, with its type.
var exports = map[string]string{
	exportMark:       "() -> ()",
	exportEvaluate:   "(i32, i32) -> i64",
	exportDecide:     "() -> i64",
	exportAlloc:      "(i32) -> i32",
	exportConfigure:  "(i32, i32) -> i32",
	exportInitialize: "() -> ()",
}

var component = []byte{0, 'a', 's', 'm', 0x0d, 0, 1, 0}

// foreign refuses what is no core module by its first bytes.
func foreign(src []byte) error {
	switch {
	case bytes.HasPrefix(src, component):
		return errors.New("it is a component: want a core module; build for wasm32 or wasip1, without the component step")
	case !bytes.HasPrefix(src, component[:4]):
		return errors.New("it is not WebAssembly: want the binary format, which begins with \\0asm")
	}
	return nil
}

// convention says everything for which a module is none of ours, nil when it is one.
func convention(w *meter.Module) error {
	if name, hint := dialect(w); name != "" {
		return fmt.Errorf("it is made for %s: %s", name, hint)
	}
	var errs []error
	for i, e := range w.Imports {
		if why := unwanted(e); why != "" {
			errs = append(errs, fmt.Errorf("import %d (%s.%s): %s", i, meter.Shown(e.Module), meter.Shown(e.Name), why))
		}
	}
	return errors.Join(append(errs, lacking(w)...)...)
}

// dialects are the conventions of others, each known by an import's module or an export's name.
var dialects = []struct{ imports, exports, name, hint string }{
	{imports: "extism:host", name: "Extism", hint: "want the exports of this convention; only the Extism imports must go"},
	{exports: "proxy_abi_version", name: "proxy-wasm", hint: "its filters see HTTP, and here a rule sees a call's JSON"},
	{imports: "http_handler", name: "http-wasm", hint: "its handlers see HTTP, and here a rule sees a call's JSON"},
	{imports: "wapc", name: "waPC", hint: "want evaluate in the place of __guest_call"},
	{exports: "__guest_call", name: "waPC", hint: "want evaluate in the place of __guest_call"},
	{exports: "opa_eval", name: "OPA", hint: "write the rule as an expression, or as a module with evaluate"},
	{imports: "shopify_function", name: "Shopify Functions", hint: "want evaluate in the place of its calls"},
	{imports: "javy_", name: "Javy", hint: "want evaluate and alloc exported"},
}

// dialect names whose convention the module keeps, when it is somebody else's.
func dialect(w *meter.Module) (name, hint string) {
	ours := find(w, exportMark) != nil
	for _, d := range dialects {
		for _, e := range w.Imports {
			if d.imports != "" && strings.HasPrefix(e.Module, d.imports) {
				return d.name, d.hint
			}
		}
		for _, e := range w.Exports {
			if d.exports != "" && strings.HasPrefix(e.Name, d.exports) && !ours {
				return d.name, d.hint
			}
		}
	}
	if find(w, "_start") != nil && find(w, exportEvaluate) == nil && find(w, exportDecide) == nil {
		return "the command line (WASI with _start)", "want a reactor: in Go -buildmode=c-shared, in C -mexec-model=reactor, in Rust a cdylib"
	}
	return "", ""
}

// unwanted says why an import is not to be had; "" when it is.
func unwanted(e meter.Extern) string {
	var known string
	switch e.Module {
	case importHost:
		i := slices.IndexFunc(hostFunctions, func(f hostFunction) bool { return f.name == e.Name })
		if i < 0 {
			return "there is no such host function: want get, get_text, length, lookup or log"
		}
		known = hostFunctions[i].signature()
	case importWASI:
		i := slices.IndexFunc(wasiFunctions, func(f hostFunction) bool { return f.name == e.Name })
		if i < 0 {
			return "preview 1 has no such function"
		}
		known = wasiFunctions[i].signature()
	case importEnv:
		if e.Name != abort.name {
			return "of env only abort is there; with clang or wasm-ld, a function that was declared and never defined becomes such an import"
		}
		known = abort.signature()
	default:
		return "want imports from " + importHost + ", " + importWASI + " and env.abort only"
	}
	if e.Kind != "func" || e.Type != known {
		return "want func " + known + ", got " + e.Kind + " " + e.Type
	}
	return ""
}

// lacking lists what is wrong with the exports.
func lacking(w *meter.Module) (errs []error) {
	evaluate, decide := find(w, exportEvaluate), find(w, exportDecide)
	if m := find(w, exportMemory); m == nil || m.Kind != "memory" {
		errs = append(errs, errors.New("export memory: it is missing; want the linear memory under that name"))
	}
	if find(w, exportMark) == nil {
		errs = append(errs, fmt.Errorf("export %s: it is missing; want a function () -> () that marks the convention", exportMark))
	}
	switch {
	case evaluate == nil && decide == nil:
		errs = append(errs, fmt.Errorf("export evaluate or decide: both are missing; want evaluate %s, or decide %s", exports[exportEvaluate], exports[exportDecide]))
	case evaluate != nil && decide != nil:
		errs = append(errs, errors.New("export evaluate and decide: both are there; want one of them"))
	}
	if find(w, exportAlloc) == nil && (evaluate != nil || find(w, exportConfigure) != nil) {
		errs = append(errs, fmt.Errorf("export alloc: it is missing; want %s, which says where the host may write", exports[exportAlloc]))
	}
	for _, e := range w.Exports {
		if want, known := exports[e.Name]; known && (e.Kind != "func" || e.Type != want) {
			errs = append(errs, fmt.Errorf("export %s: want func %s, got %s %s", e.Name, want, e.Kind, e.Type))
		}
	}
	return errs
}

func find(w *meter.Module, export string) *meter.Extern {
	for i := range w.Exports {
		if w.Exports[i].Name == export {
			return &w.Exports[i]
		}
	}
	return nil
}
