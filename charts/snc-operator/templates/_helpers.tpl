{{- define "snc.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: snc-operator
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "snc.selector" -}}
app.kubernetes.io/name: snc-operator
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "snc.image" -}}
{{- with .Values.imageRegistry }}{{ . }}/{{ end -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ default .Chart.AppVersion .Values.image.tag }}
{{- end -}}
{{- end }}

{{- define "snc.priorityClass" -}}{{ default "snc-operator" .Values.priorityClassName }}{{- end }}

{{/* Fixed: the guards let this ServiceAccount, and nobody else, through. */}}
{{- define "snc.serviceAccount" -}}snc-controller{{- end }}

{{- define "snc.probe.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
app.kubernetes.io/name: snc-probe
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}
