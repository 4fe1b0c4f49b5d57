package main

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"snc-operator.test/netpol/record"
)

// runPods says of each pod that it runs, at an address that its name decides: there is no node.
func runPods(ctx context.Context, client kubernetes.Interface, address func(namespace, pod byte) string) error {
	watch, err := client.CoreV1().Pods("").Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("watch pods: %w", err)
	}
	defer watch.Stop()
	for event := range watch.ResultChan() {
		pod, ok := event.Object.(*corev1.Pod)
		if !ok || pod.Status.Phase != corev1.PodPending || pod.DeletionTimestamp != nil {
			continue
		}
		ip, err := addressOf(pod, address)
		if err != nil {
			return err
		}
		pod.Status.Phase = corev1.PodRunning
		pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
		if _, err := client.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, pod, metav1.UpdateOptions{}); err != nil {
			return fmt.Errorf("pod %s/%s to Running: %w", pod.Namespace, pod.Name, err)
		}
	}
	return ctx.Err()
}

// The specs make pods a, b, c in namespaces x, y, z.
func addressOf(pod *corev1.Pod, address func(namespace, pod byte) string) (string, error) {
	namespace, err := record.ShortName(pod.Namespace)
	if err != nil {
		return "", err
	}
	if len(pod.Name) != 1 {
		return "", fmt.Errorf("pod %s/%s is not named as the specs name theirs", pod.Namespace, pod.Name)
	}
	return address(namespace[0]-'w', pod.Name[0]-'a'+1), nil
}

func ipv4(namespace, pod byte) string { return fmt.Sprintf("10.244.%d.%d", namespace, pod) }

func ipv6(namespace, pod byte) string { return fmt.Sprintf("fd00:10:244:%x::%x", namespace, pod) }
