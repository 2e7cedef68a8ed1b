{{- define "forewarn.name" -}}
{{- .Release.Name | trunc 40 | trimSuffix "-" -}}
{{- end -}}

{{- define "forewarn.labels" -}}
app.kubernetes.io/name: forewarn
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end -}}

{{- define "forewarn.selector" -}}
app.kubernetes.io/name: forewarn
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end -}}

{{- define "forewarn.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{ $image.repository }}@{{ $image.digest }}
{{- else -}}
{{ $image.repository }}:{{ $image.tag | default .Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{- define "forewarn.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end -}}

{{- define "forewarn.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
runAsNonRoot: true
capabilities:
  drop: [ALL]
{{- end -}}

{{- define "forewarn.objects" -}}
{{- if .Values.objects.url -}}
{{ .Values.objects.url }}
{{- else if .Values.objects.existingClaim -}}
/objects
{{- else if .Values.dask.enabled -}}
{{- fail "workers need objects.url (an object store) or objects.existingClaim (a ReadWriteMany volume)" -}}
{{- end -}}
{{- end -}}

{{- define "forewarn.environment" -}}
- { name: FOREWARN_OBJECTS, value: {{ include "forewarn.objects" . | quote }} }
{{- end -}}

{{- define "forewarn.environmentFrom" -}}
{{- with .Values.objects.credentialsSecret }}
- secretRef: { name: {{ . }} }
{{- end }}
{{- end -}}

{{- define "forewarn.workerContainer" -}}
- name: worker
  image: {{ include "forewarn.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    - dask
    - worker
    - tcp://{{ include "forewarn.name" . }}-scheduler:8786
    - --nthreads=1
    - --memory-limit=0
    - --no-dashboard
    - --dashboard-address=:8790
    - --worker-port=9000
    - --nanny-port=9001
    - --local-directory=/tmp
    - --death-timeout=120
    {{- if .Values.dask.operator }}
    - --name=$(DASK_WORKER_NAME)
    {{- end }}
  {{- with include "forewarn.environmentFrom" . }}
  envFrom: {{- . | nindent 4 }}
  {{- end }}
  env: {{- include "forewarn.environment" . | nindent 4 }}
  ports:
    - { name: worker, containerPort: 9000 }
    - { name: nanny, containerPort: 9001 }
    - { name: health, containerPort: 8790 }
  readinessProbe:
    httpGet: { path: /health, port: health }
    periodSeconds: 10
  livenessProbe:
    httpGet: { path: /health, port: health }
    periodSeconds: 30
    failureThreshold: 10
  resources: {{- toYaml .Values.dask.worker.resources | nindent 4 }}
  securityContext: {{- include "forewarn.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - { name: scratch, mountPath: /tmp }
    {{- if .Values.objects.existingClaim }}
    - { name: objects, mountPath: /objects }
    {{- end }}
{{- end -}}

{{- define "forewarn.schedulerContainer" -}}
- name: scheduler
  image: {{ include "forewarn.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args: [dask, scheduler, --port=8786, --no-dashboard, --dashboard-address=:8787]
  env:  # its logs hold what datums were sent: a thousand sets of them by default
    - { name: DASK_DISTRIBUTED__ADMIN__LOG_LENGTH, value: "100" }
    - { name: DASK_DISTRIBUTED__ADMIN__LOW_LEVEL_LOG_LENGTH, value: "100" }
  ports:
    - { name: tcp-comm, containerPort: 8786 }
    - { name: http-dashboard, containerPort: 8787 }
  readinessProbe:
    httpGet: { path: /health, port: http-dashboard }
    periodSeconds: 5
  livenessProbe:
    httpGet: { path: /health, port: http-dashboard }
    periodSeconds: 15
    failureThreshold: 8
  resources: {{- toYaml .Values.dask.scheduler.resources | nindent 4 }}
  securityContext: {{- include "forewarn.containerSecurity" . | nindent 4 }}
  volumeMounts:
    - { name: scratch, mountPath: /tmp }
{{- end -}}

{{- define "forewarn.workerPod" -}}
serviceAccountName: {{ include "forewarn.name" . }}
automountServiceAccountToken: false
terminationGracePeriodSeconds: {{ .Values.dask.worker.graceSeconds }}
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
securityContext: {{- include "forewarn.podSecurity" . | nindent 2 }}
{{- $selector := merge (dict) .Values.dask.worker.nodeSelector }}
{{- $tolerations := .Values.dask.worker.tolerations }}
{{- if .Values.spot.enabled }}
{{- $selector = merge $selector .Values.spot.nodeSelector }}
{{- $tolerations = concat $tolerations .Values.spot.tolerations }}
{{- end }}
{{- with $selector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
containers: {{- include "forewarn.workerContainer" . | nindent 2 }}
volumes:
  - { name: scratch, emptyDir: { sizeLimit: {{ .Values.dask.worker.scratch }} } }
  {{- with .Values.objects.existingClaim }}
  - { name: objects, persistentVolumeClaim: { claimName: {{ . }} } }
  {{- end }}
{{- end -}}

{{- define "forewarn.schedulerPod" -}}
serviceAccountName: {{ include "forewarn.name" . }}
automountServiceAccountToken: false
{{- with .Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - { name: {{ . }} }
  {{- end }}
{{- end }}
securityContext: {{- include "forewarn.podSecurity" . | nindent 2 }}
containers: {{- include "forewarn.schedulerContainer" . | nindent 2 }}
volumes:
  - { name: scratch, emptyDir: { sizeLimit: 1Gi } }
{{- end -}}
