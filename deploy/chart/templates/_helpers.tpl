{{- define "policy-gate.labels" -}}
app.kubernetes.io/name: policy-gate
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ .Chart.Name }}-{{ .Chart.Version }}
{{- end }}

{{- define "policy-gate.selector" -}}
app.kubernetes.io/name: policy-gate
app.kubernetes.io/component: webhook
{{- end }}

{{/* A file of deploy/, for the release's namespace. */}}
{{- define "policy-gate.file" -}}
{{- $text := .root.Files.Get (printf "files/%s" .name) -}}
{{- $ns := .root.Release.Namespace -}}
{{- $text | replace "namespace: policy-gate\n" (printf "namespace: %s\n" $ns)
  | replace "policy-gate.policy-gate.svc" (printf "policy-gate.%s.svc" $ns) -}}
{{- end }}

{{- define "policy-gate.rules" -}}
{{- .Values.rules | default (.Files.Get "files/rules.yaml") -}}
{{- end }}

{{- define "policy-gate.mode" -}}
{{- .Files.Get (printf "files/mode-%s.yaml" .Values.mode) -}}
{{- end }}

{{- define "policy-gate.config" -}}
{{- .Values.config | default (.Files.Get "files/config.yaml") -}}
{{- end }}

{{- define "policy-gate.webhook" -}}
clientConfig:
  service:
    name: policy-gate
    namespace: {{ .Release.Namespace }}
    path: /validate
  {{- with .Values.certificates.caBundle }}
  caBundle: {{ . }}
  {{- end }}
matchPolicy: Equivalent
sideEffects: None
timeoutSeconds: {{ .Values.timeoutSeconds }}
admissionReviewVersions: [v1, v1beta1]
namespaceSelector:
  matchExpressions:
    - key: kubernetes.io/metadata.name
      operator: NotIn
      values: {{ append .Values.exemptNamespaces .Release.Namespace | toJson }}
{{- end }}
