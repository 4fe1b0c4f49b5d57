// Package record keeps what the NetworkPolicy specs of Kubernetes validate: the state of the API server and the
// reachability expected of it, step by step.
package record

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/onsi/ginkgo/v2"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Pair names two pods as "namespace/pod".
type Pair struct{ From, To string }

// Probe is what a spec asks at one moment.
type Probe struct {
	Protocol corev1.Protocol
	Port     int
	// IgnoreLoopback: upstream never judges a pod's connection to itself.
	IgnoreLoopback bool
	Expected       map[Pair]bool
}

type step struct {
	Probe
	namespaces []corev1.Namespace
	pods       []corev1.Pod
	policies   []networkingv1.NetworkPolicy
	// The generated names of the namespaces and those written instead, which are the same in each run.
	rename *strings.Replacer
}

var steps = map[string][]step{}

// Step records the namespaces of the running spec, and everything in them that NetworkPolicy knows.
func Step(ctx context.Context, client kubernetes.Interface, namespaces []string, probe Probe) error {
	recorded := step{Probe: probe}
	var names []string
	for _, name := range namespaces {
		if err := recorded.read(ctx, client, name); err != nil {
			return err
		}
		short, err := ShortName(name)
		if err != nil {
			return err
		}
		names = append(names, name, short)
	}
	recorded.rename = strings.NewReplacer(names...)
	spec := ginkgo.CurrentSpecReport().FullText()
	steps[spec] = append(steps[spec], recorded)
	return nil
}

// ShortName is x of "netpol-x-1234".
func ShortName(namespace string) (string, error) {
	parts := strings.Split(namespace, "-")
	if len(parts) < 3 || len(parts[len(parts)-2]) != 1 {
		return "", fmt.Errorf("namespace %s is not named as the specs name theirs", namespace)
	}
	return parts[len(parts)-2], nil
}

func (s *step) read(ctx context.Context, client kubernetes.Interface, name string) error {
	namespace, err := client.CoreV1().Namespaces().Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return fmt.Errorf("get namespace %s: %w", name, err)
	}
	pods, err := client.CoreV1().Pods(name).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list pods of %s: %w", name, err)
	}
	policies, err := client.NetworkingV1().NetworkPolicies(name).List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("list policies of %s: %w", name, err)
	}
	s.namespaces = append(s.namespaces, corev1.Namespace{ObjectMeta: metadata(namespace.ObjectMeta)})
	slices.SortFunc(pods.Items, func(a, b corev1.Pod) int { return cmp.Compare(a.Name, b.Name) })
	for _, pod := range pods.Items {
		s.pods = append(s.pods, trimmed(&pod))
	}
	slices.SortFunc(policies.Items, func(a, b networkingv1.NetworkPolicy) int { return cmp.Compare(a.Name, b.Name) })
	for _, policy := range policies.Items {
		s.policies = append(s.policies, networkingv1.NetworkPolicy{ObjectMeta: metadata(policy.ObjectMeta), Spec: policy.Spec})
	}
	return nil
}

func metadata(full metav1.ObjectMeta) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: full.Name, Namespace: full.Namespace, Labels: full.Labels}
}

// trimmed keeps what decides about connections.
func trimmed(pod *corev1.Pod) corev1.Pod {
	kept := corev1.Pod{
		ObjectMeta: metadata(pod.ObjectMeta),
		Spec:       corev1.PodSpec{HostNetwork: pod.Spec.HostNetwork},
		Status:     corev1.PodStatus{Phase: pod.Status.Phase, PodIP: pod.Status.PodIP, PodIPs: pod.Status.PodIPs},
	}
	for _, container := range pod.Spec.Containers {
		kept.Spec.Containers = append(kept.Spec.Containers, corev1.Container{Name: container.Name, Ports: container.Ports})
	}
	return kept
}
