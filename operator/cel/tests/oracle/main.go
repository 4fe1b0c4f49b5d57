// Asks the API server's own CEL environment what it makes of the expressions of the parity corpus.
//
// Standard input is a list, in JSON, of {id, expression, object, version}; standard output one line for each, in JSON:
// {id, outcome, cost}. `go run . -overloads` prints the overloads instead, as src/overloads.txt has them.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"sort"
	"strconv"
	"strings"

	"github.com/google/cel-go/cel"
	"github.com/google/cel-go/common/types"
	"github.com/google/cel-go/common/types/ref"
	"github.com/google/cel-go/common/types/traits"

	utiljson "k8s.io/apimachinery/pkg/util/json"
	"k8s.io/apimachinery/pkg/util/version"
	admissioncel "k8s.io/apiserver/pkg/admission/plugin/cel"
	apiservercel "k8s.io/apiserver/pkg/cel"
	"k8s.io/apiserver/pkg/cel/environment"
)

type question struct {
	ID         string          `json:"id"`
	Expression string          `json:"expression"`
	Object     json.RawMessage `json:"object"`
	Version    string          `json:"version"`
}

type answer struct {
	ID      string `json:"id"`
	Outcome string `json:"outcome"`
	Cost    uint64 `json:"cost"`
}

func envOf(v string) *cel.Env {
	request, namespace := admissioncel.BuildRequestType(), admissioncel.BuildNamespaceType()
	set, err := environment.MustBaseEnvSet(version.MustParse(v)).Extend(environment.VersionedOptions{
		IntroducedVersion: version.MajorMinor(1, 0),
		EnvOptions: []cel.EnvOption{
			cel.Variable("object", cel.DynType),
			cel.Variable("oldObject", cel.DynType),
			cel.Variable("params", cel.DynType),
			cel.Variable("request", request.CelType()),
			cel.Variable("namespaceObject", namespace.CelType()),
		},
		DeclTypes: []*apiservercel.DeclType{request, namespace},
	}, environment.StrictCostOpt)
	if err != nil {
		panic(err)
	}
	env, err := set.Env(environment.NewExpressions)
	if err != nil {
		panic(err)
	}
	return env
}

func overloads(env *cel.Env) {
	functions := env.Functions()
	names := make([]string, 0, len(functions))
	for name := range functions {
		if name != "in" && name != "_in_" && !strings.HasPrefix(name, "__") {
			names = append(names, name)
		}
	}
	sort.Strings(names)
	for _, name := range names {
		for _, overload := range functions[name].OverloadDecls() {
			arguments := make([]string, 0, len(overload.ArgTypes()))
			for _, argument := range overload.ArgTypes() {
				arguments = append(arguments, argument.String())
			}
			dot := ""
			if overload.IsMemberFunction() {
				dot = "."
			}
			line := fmt.Sprintf("%s|%s|%s%s|%s", name, overload.ID(), dot, strings.Join(arguments, ","), overload.ResultType())
			if !strings.Contains(line, "kubernetes.authorization") {
				fmt.Println(line)
			}
		}
	}
}

func ask(env *cel.Env, q question) (given answer) {
	// cel-go's own validators fail on some expressions; the API server answers those with an internal error.
	defer func() {
		if failure := recover(); failure != nil {
			given = answer{ID: q.ID, Outcome: fmt.Sprintf("refused: %v", failure)}
		}
	}()

	checked, issues := env.Compile(q.Expression)
	if issues.Err() != nil {
		return answer{ID: q.ID, Outcome: "refused: " + issues.Errors()[0].Message}
	}
	program, err := env.Program(checked)
	if err != nil {
		return answer{ID: q.ID, Outcome: "refused: " + err.Error()}
	}
	var object any
	if len(q.Object) > 0 {
		if err := utiljson.Unmarshal(q.Object, &object); err != nil {
			panic(err)
		}
	}
	value, details, err := program.Eval(map[string]any{"object": object, "oldObject": nil, "params": nil, "request": map[string]any{}, "namespaceObject": nil})
	var cost uint64
	if details != nil && details.ActualCost() != nil {
		cost = *details.ActualCost()
	}
	if err != nil {
		return answer{ID: q.ID, Outcome: "error: " + err.Error(), Cost: cost}
	}
	return answer{ID: q.ID, Outcome: show(value), Cost: cost}
}

func show(value ref.Val) string {
	switch v := value.(type) {
	case types.Null:
		return "null"
	case types.Bool:
		return "bool(" + strconv.FormatBool(bool(v)) + ")"
	case types.Int:
		return fmt.Sprintf("int(%d)", int64(v))
	case types.Uint:
		return fmt.Sprintf("uint(%d)", uint64(v))
	case types.Double:
		return "double(" + strconv.FormatFloat(float64(v), 'g', -1, 64) + ")"
	case types.String:
		return "string(" + string(v) + ")"
	case types.Bytes:
		return fmt.Sprintf("bytes(%x)", []byte(v))
	case types.Duration:
		return fmt.Sprintf("duration(%d)", int64(v.Duration))
	case types.Timestamp:
		return "timestamp(" + string(v.ConvertToType(types.StringType).(types.String)) + ")"
	case *types.Optional:
		if v.HasValue() {
			return "optional(" + show(v.GetValue()) + ")"
		}
		return "optional()"
	case ref.Type:
		return "type(" + v.TypeName() + ")"
	case traits.Lister:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			parts = append(parts, show(it.Next()))
		}
		return "list(" + strings.Join(parts, ", ") + ")"
	case traits.Mapper:
		parts := []string{}
		for it := v.Iterator(); it.HasNext() == types.True; {
			key := it.Next()
			parts = append(parts, show(key)+": "+show(v.Get(key)))
		}
		sort.Strings(parts)
		return "map(" + strings.Join(parts, ", ") + ")"
	}
	return value.Type().TypeName()
}

func main() {
	if len(os.Args) > 1 && os.Args[1] == "-overloads" {
		overloads(envOf("1.34"))
		return
	}
	var questions []question
	if err := json.NewDecoder(bufio.NewReader(os.Stdin)).Decode(&questions); err != nil {
		panic(err)
	}
	envs := map[string]*cel.Env{}
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for _, q := range questions {
		if q.Version == "" {
			q.Version = "1.34"
		}
		if envs[q.Version] == nil {
			envs[q.Version] = envOf(q.Version)
		}
		var line bytes.Buffer
		encoder := json.NewEncoder(&line)
		encoder.SetEscapeHTML(false)
		if err := encoder.Encode(ask(envs[q.Version], q)); err != nil {
			panic(err)
		}
		out.Write(line.Bytes())
	}
}
