// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math/rand"

	core "k8s.io/api/core/v1"
	"sigs.k8s.io/json"
)

const pod = `{"apiVersion":"v1","kind":"Pod","metadata":{"name":"web","labels":{"app":"a"}},"spec":` +
	`{"hostUsers":false,"securityContext":{"runAsUser":1000,"runAsNonRoot":true},` +
	`"initContainers":[{"name":"i","image":"r.io/i:1","securityContext":{"runAsUser":0}}],` +
	`"containers":[{"name":"c","image":"r.io/c:1","securityContext":{"runAsNonRoot":false,` +
	`"windowsOptions":{"runAsUserName":"u"}}},{"name":"d","image":"r.io/d:1","args":["x"]}],` +
	`"ephemeralContainers":[{"name":"e","image":"r.io/e:1"}],` +
	`"volumes":[{"name":"v","image":{"reference":"r.io/v:1"}},{"name":"w","emptyDir":{}}]}}`

// The users of a pod, and what a container makes of them.
type context struct {
	user     *int64
	nonRoot  *bool
	userName *string
}

func (c *context) windows(o *core.WindowsSecurityContextOptions) {
	if o != nil && o.RunAsUserName != nil {
		c.userName = o.RunAsUserName
	}
}

func (c context) over(s *core.SecurityContext) context {
	if s == nil {
		return c
	}
	if s.RunAsUser != nil {
		c.user = s.RunAsUser
	}
	if s.RunAsNonRoot != nil {
		c.nonRoot = s.RunAsNonRoot
	}
	c.windows(s.WindowsOptions)
	return c
}

func text[T any](p *T) string {
	if p == nil {
		return "-"
	}
	return fmt.Sprint(*p)
}

// Places without an image are left out.
func (f facts) container(list string, i int, c *core.Container, of context) {
	of = of.over(c.SecurityContext)
	if c.Image != "" {
		f[fmt.Sprintf("spec.%s[%d].image", list, i)] = fmt.Sprintf("%s %s %s %s %s", c.Name,
			c.Image, text(of.user), text(of.nonRoot), text(of.userName))
	}
}

// As an API server reads it, which minds the case of keys.
func readPod(text string) (facts, error) {
	var p core.Pod
	if err := json.UnmarshalCaseSensitivePreserveInts([]byte(text), &p); err != nil {
		return nil, err
	}
	f := facts{"userns": p.Spec.HostUsers != nil && !*p.Spec.HostUsers}
	f.pairs("labels", p.Labels)
	of := context{}
	if s := p.Spec.SecurityContext; s != nil {
		of = context{user: s.RunAsUser, nonRoot: s.RunAsNonRoot}
		of.windows(s.WindowsOptions)
	}
	for i := range p.Spec.InitContainers {
		f.container("initContainers", i, &p.Spec.InitContainers[i], of)
	}
	for i := range p.Spec.Containers {
		f.container("containers", i, &p.Spec.Containers[i], of)
	}
	for i := range p.Spec.EphemeralContainers {
		c := core.Container(p.Spec.EphemeralContainers[i].EphemeralContainerCommon)
		f.container("ephemeralContainers", i, &c, of)
	}
	for i, v := range p.Spec.Volumes {
		if v.Image != nil && v.Image.Reference != "" {
			f[fmt.Sprintf("spec.volumes[%d].image.reference", i)] = v.Name + " " +
				v.Image.Reference + " - - -"
		}
	}
	return f, nil
}

func writePods(folder string) {
	t := newTable("Made by sigs.k8s.io/json with the structs of k8s.io/api; as documents.tsv.")
	writeEdits(t, "pod", pod, map[string]int{}, rand.New(rand.NewSource(7)))
	t.write(folder, "pods.tsv")
}
