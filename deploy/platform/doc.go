// Package platform checks the manifests of deploy/kubernetes and deploy/swarm with the code of those who read them: kustomize,
// the types of the Kubernetes API and of the Prometheus Operator, the stack loader of the docker command. It holds tests only,
// in a module of its own outside of go.work, so that their requirements do not raise ours:
//
//	GOWORK=off go -C deploy/platform test ./...
package platform
