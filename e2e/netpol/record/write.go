package record

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	"github.com/onsi/ginkgo/v2/types"
)

// Manifest says what was recorded and, by name and with the reason, what was not.
type Manifest struct {
	Kubernetes   string     `json:"kubernetes"`
	Specs        int        `json:"specs"`
	Steps        int        `json:"steps"`
	Cells        int        `json:"cells"`
	LoopbackOnly int        `json:"loopbackCellsIgnoredUpstream"`
	Files        []File     `json:"files"`
	WithoutSteps []Omission `json:"specsWithoutSteps"`
}

type File struct {
	Name  string `json:"name"`
	Spec  string `json:"spec"`
	Steps int    `json:"steps"`
}

type Omission struct {
	Spec   string `json:"spec"`
	Reason string `json:"reason"`
}

// Write puts one file per spec into dir, which holds nothing else, and the manifest.
func Write(dir, kubernetes string, report ginkgo.Report) (*Manifest, error) {
	if err := empty(dir); err != nil {
		return nil, err
	}
	manifest := &Manifest{Kubernetes: kubernetes, Files: []File{}, WithoutSteps: []Omission{}}
	for _, spec := range inSourceOrder(report.SpecReports) {
		recorded := steps[spec.FullText()]
		switch {
		case spec.State != types.SpecStatePassed:
			manifest.omit(spec, fmt.Sprintf("%s: %s", spec.State, spec.FailureMessage()))
			continue
		case len(recorded) == 0:
			manifest.omit(spec, "it ran to its end against the API server and never validated reachability")
			continue
		}
		name := fmt.Sprintf("%02d-%s.json", len(manifest.Files)+1, slug(spec.LeafNodeText))
		text, err := document(spec, recorded)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", spec.FullText(), err)
		}
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o644); err != nil {
			return nil, err
		}
		manifest.add(name, spec, recorded)
	}
	text, err := json.MarshalIndent(manifest, "", " ")
	if err != nil {
		return nil, err
	}
	return manifest, os.WriteFile(filepath.Join(dir, "manifest.json"), append(text, '\n'), 0o644)
}

func (m *Manifest) omit(spec types.SpecReport, reason string) {
	m.WithoutSteps = append(m.WithoutSteps, Omission{Spec: spec.FullText(), Reason: reason})
}

func (m *Manifest) add(name string, spec types.SpecReport, recorded []step) {
	m.Files = append(m.Files, File{Name: name, Spec: spec.FullText(), Steps: len(recorded)})
	m.Specs++
	m.Steps += len(recorded)
	for _, step := range recorded {
		for pair := range step.Expected {
			if step.IgnoreLoopback && pair.From == pair.To {
				m.LoopbackOnly++
			} else {
				m.Cells++
			}
		}
	}
}

func empty(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	old, err := filepath.Glob(filepath.Join(dir, "*.json"))
	if err != nil {
		return err
	}
	for _, path := range old {
		if err := os.Remove(path); err != nil {
			return err
		}
	}
	return nil
}

func inSourceOrder(reports types.SpecReports) types.SpecReports {
	specs := reports.WithLeafNodeType(types.NodeTypeIt)
	slices.SortFunc(specs, func(a, b types.SpecReport) int {
		if byFile := strings.Compare(a.FileName(), b.FileName()); byFile != 0 {
			return byFile
		}
		return a.LineNumber() - b.LineNumber()
	})
	return specs
}

var notInSlug = regexp.MustCompile(`[^a-z0-9]+`)

// slug is short enough for every file system, cut between words.
func slug(text string) string {
	text, _, _ = strings.Cut(text, " [")
	words := strings.Split(strings.Trim(notInSlug.ReplaceAllString(strings.ToLower(text), "-"), "-"), "-")
	for len(strings.Join(words, "-")) > 70 {
		words = words[:len(words)-1]
	}
	return strings.TrimPrefix(strings.Join(words, "-"), "should-")
}

// document is JSON with one object per line, so that a change of one shows as one line.
func document(spec types.SpecReport, recorded []step) ([]byte, error) {
	var out bytes.Buffer
	source := "test/e2e/network/netpol/" + filepath.Base(spec.FileName())
	fmt.Fprintf(&out, "{\n\"spec\":%q,\n\"source\":%q,\n\"steps\":[", spec.FullText(), source)
	for i, step := range recorded {
		if i > 0 {
			out.WriteByte(',')
		}
		text, err := step.document()
		if err != nil {
			return nil, err
		}
		out.WriteString(text)
	}
	out.WriteString("]\n}\n")
	return out.Bytes(), nil
}

func (s *step) document() (string, error) {
	matrix := map[string]map[string]bool{}
	for pair, reachable := range s.Expected {
		if matrix[pair.From] == nil {
			matrix[pair.From] = map[string]bool{}
		}
		matrix[pair.From][pair.To] = reachable
	}
	var rows []string
	for _, from := range slices.Sorted(maps.Keys(matrix)) {
		row, err := json.Marshal(matrix[from])
		if err != nil {
			return "", err
		}
		rows = append(rows, fmt.Sprintf("\n%q:%s", from, row))
	}
	namespaces, err := lines(s.namespaces)
	if err != nil {
		return "", err
	}
	pods, err := lines(s.pods)
	if err != nil {
		return "", err
	}
	policies, err := lines(s.policies)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("{\n\"protocol\":%q,\"port\":%d,\"ignoreLoopback\":%t,\n", s.Protocol, s.Port, s.IgnoreLoopback) +
		fmt.Sprintf("\"namespaces\":[%s],\n\"pods\":[%s],\n\"policies\":[%s],\n", namespaces, pods, policies) +
		fmt.Sprintf("\"expected\":{%s}\n}", strings.Join(rows, ","))
	return s.rename.Replace(text), nil
}

func lines[T any](items []T) (string, error) {
	var texts []string
	for _, item := range items {
		text, err := json.Marshal(item)
		if err != nil {
			return "", err
		}
		texts = append(texts, "\n"+string(text))
	}
	return strings.Join(texts, ","), nil
}
