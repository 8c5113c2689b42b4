package watch

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tenterhook/tenterhook/rules"
	"github.com/tenterhook/tenterhook/rules/folder"
)

// Module is a module that rules can run: a file of the folder, or an upload that replaces one.
type Module struct {
	Name   string    `json:"name,omitempty"` // of an upload in its place; empty: no upload can replace it
	File   string    `json:"file"`           // path in the policy folder
	From   string    `json:"from"`           // FromFolder or FromUpload
	SHA256 string    `json:"sha256"`         // in hex
	Bytes  int       `json:"bytes"`
	At     time.Time `json:"uploadedAt,omitzero"`
	Over   string    `json:"over,omitempty"` // the SHA-256 of the folder's module that an upload hides
	Rules  []Runner  `json:"rules"`          // of the live Set

	Referenced bool `json:"referenced"` // Rules is not empty
}

// FromUpload is the origin of an uploaded module.
const FromUpload = "upload"

// Runner is a rule that runs a module.
type Runner struct {
	Hook   string `json:"hook"`
	Rule   string `json:"rule"`
	SHA256 string `json:"sha256"` // of the module it runs; differs from the file's while the folder is not live

	Failure string `json:"failure,omitempty"` // why a module that started before does not start now: the rule fails
}

// listModules lists the modules of the folder and the uploads by file, with the rules that run
// them.
func listModules(s state, set *rules.Set) (all []Module) {
	if s.folder != nil {
		for _, file := range s.folder.Names() {
			if code, _ := s.folder.File(file); strings.HasSuffix(file, ".wasm") {
				all = append(all, Module{Name: uploadName(file), File: file, From: FromFolder, SHA256: Hash(code), Bytes: len(code)})
			}
		}
	}
	for name, u := range s.uploads.list {
		m := Module{Name: name, File: moduleFile(name), From: FromUpload, SHA256: u.SHA256, Bytes: u.Bytes, At: u.At}
		if i := slices.IndexFunc(all, func(o Module) bool { return o.File == m.File }); i >= 0 {
			m.Over = all[i].SHA256
			all[i] = m
			continue
		}
		all = append(all, m)
	}
	for i := range all {
		all[i].addRules(set)
	}
	slices.SortFunc(all, func(a, b Module) int { return strings.Compare(a.File, b.File) })
	return all
}

func (m *Module) addRules(set *rules.Set) {
	m.Rules = []Runner{}
	if set == nil {
		return
	}
	for _, one := range set.Modules() {
		if one.File == m.File {
			m.Rules = append(m.Rules, Runner{one.Hook, one.Rule, one.SHA256, one.Failure})
			m.Referenced = true
		}
	}
}

// failedModules lists the rules of a Set whose module started before and does not now.
func failedModules(set *rules.Set) []rules.Module {
	return slices.DeleteFunc(set.Modules(), func(m rules.Module) bool { return m.Failure == "" })
}

// uploadName is the name of an upload that would replace a file, or "".
func uploadName(file string) string {
	name := strings.TrimSuffix(strings.TrimPrefix(file, "modules/"), ".wasm")
	if moduleFile(name) != file || !moduleName.MatchString(name) {
		return ""
	}
	return name
}

// WithUploads returns the folder with the uploads in place, as it would be loaded.
func (w *Watcher) WithUploads(f *folder.Folder) (*folder.Folder, error) {
	return w.uploads.Load().overlay(f)
}

// module returns the module of that name, or the zero Module.
func (w *Watcher) module(name string) Module {
	for _, m := range w.Status().Modules {
		if m.Name == name {
			return m
		}
	}
	return Module{}
}

// warnShadowed warns of changed modules of the folder that have no effect, because an upload
// replaces them.
func (w *Watcher) warnShadowed(s state) {
	if s.folder == nil || w.lastState.folder == nil {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(s.uploads.list)) {
		upload, file := s.uploads.list[name], moduleFile(name)
		was, _ := w.lastState.folder.File(file)
		is, there := s.folder.File(file)
		if there && !bytes.Equal(was, is) && Hash(is) != upload.SHA256 {
			w.o.Log.Warn("a changed module of the folder has no effect, because an upload replaces it: delete the upload, or push the module too",
				"module", file, "sha256", Hash(is), "upload", upload.SHA256)
		}
	}
}

// hasFile reports whether the folder itself has the file.
func (s *state) hasFile(file string) bool {
	if s.folder == nil {
		return false
	}
	_, ok := s.folder.File(file)
	return ok
}

// moduleHash is the hash of the module that rules run by that name, or "".
func (s *state) moduleHash(name string) string {
	if u, ok := s.uploads.list[name]; ok {
		return u.SHA256
	}
	if !s.hasFile(moduleFile(name)) {
		return ""
	}
	code, _ := s.folder.File(moduleFile(name))
	return Hash(code)
}

// withUploads returns the folder with the uploads in place.
func (s *state) withUploads() (*folder.Folder, error) {
	if s.err != nil {
		return nil, s.err
	}
	return s.uploads.overlay(s.folder)
}
