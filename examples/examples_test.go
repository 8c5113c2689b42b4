// Package examples_test runs the tests of every example.
package examples_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
	"github.com/tenterhook/tenterhook/rules/suite"
	"github.com/tenterhook/tenterhook/runtime/wasm"
)

func TestMain(m *testing.M) {
	wasm.RunCompileChild()
	os.Exit(m.Run())
}

func TestExamples(t *testing.T) {
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.IsDir() {
			t.Run(e.Name(), func(t *testing.T) { testExample(t, e.Name()) })
		}
	}
}

// testExample wants a folder without problems and with passing tests that cover each rule and each
// part of its condition, true and false.
func testExample(t *testing.T, dir string) {
	folder, err := folder.Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	if folder, err = folder.With(buildModules(t, dir)); err != nil {
		t.Fatal(err)
	}
	runtime, err := wasm.New(wasm.Options{Child: os.Args[0]})
	if err != nil {
		t.Fatal(err)
	}
	defer runtime.Close()
	set, err := rules.Load(folder, rules.Options{Check: true, Modules: runtime, Clauses: true})
	if err != nil {
		t.Fatal(err)
	}
	defer set.Close()
	report, err := suite.Run(folder, set, suite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if report.Passed == 0 || report.Failed > 0 || report.Percent() < 100 {
		var text bytes.Buffer
		report.WriteText(&text)
		t.Errorf("%s", text.Bytes())
	}
	for _, w := range set.Warnings() {
		if !slices.ContainsFunc(expectedWarnings, func(m string) bool { return strings.HasPrefix(w.Message, m) }) {
			t.Error(w)
		}
	}
}

// expectedWarnings are the warnings of examples, which have no secrets and sometimes no
// authentication.
var expectedWarnings = []string{"the environment has no ", "anybody may call this hook"}

// buildModules builds an example's modules from source: the files in its folder may be old or
// missing.
func buildModules(t *testing.T, dir string) map[string][]byte {
	t.Helper()
	sources, err := os.ReadDir(filepath.Join(dir, "modules", "src"))
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	made := make(map[string][]byte)
	for _, e := range sources {
		source, name := filepath.Join(dir, "modules", "src", e.Name()), "modules/"+strings.TrimSuffix(e.Name(), ".wat")+".wasm"
		if e.IsDir() {
			if testing.Short() {
				t.Skip("its module takes long to build and compile")
			}
			made[name] = buildGoModule(t, source)
		} else {
			checkAssembled(t, source, filepath.Join(dir, name))
		}
	}
	return made
}

// buildGoModule builds a Go package as a module.
func buildGoModule(t *testing.T, source string) []byte {
	t.Helper()
	out := filepath.Join(t.TempDir(), "module.wasm")
	build := exec.Command("go", "build", "-trimpath", "-buildmode=c-shared", "-ldflags=-s -w", "-o", out, "./"+source)
	build.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if said, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", source, err, said)
	}
	return readFile(t, out)
}

// checkAssembled compares the module in the repository with its text, if the assembler is
// installed.
func checkAssembled(t *testing.T, source, module string) {
	t.Helper()
	out := filepath.Join(t.TempDir(), "module.wasm")
	assembler, err := exec.LookPath("wat2wasm")
	if err != nil {
		t.Logf("%s is taken as it is: wat2wasm is not installed (apt package wabt)", module)
		return
	}
	if said, err := exec.Command(assembler, source, "-o", out).CombinedOutput(); err != nil {
		t.Fatalf("assemble %s: %v\n%s", source, err, said)
	}
	if !bytes.Equal(readFile(t, out), readFile(t, module)) {
		t.Errorf("%s is not what its text says: wat2wasm %s -o %s", module, source, module)
	}
}

func readFile(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
