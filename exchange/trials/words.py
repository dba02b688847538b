"""What the pages of a trial's life call things: English msgids, a tone beside those that are states."""

from exchange.errors import N_
from sandbox.trial import Approver, EventKind, State, Verb, Why

STATES = {
    State.NOT_STARTED: (N_("Not begun"), "wait"),
    State.ACTIVE: (N_("Running"), "good"),
    State.SUSPENDED: (N_("Suspended"), "bad"),
    State.EXPIRED: (N_("Expired"), "off"),
    State.TERMINATED: (N_("Terminated"), "off"),
    State.EXITED: (N_("Closed after its exit report"), "off"),
    State.NOT_AUTHORISED: (N_("Certificate incomplete"), "bad"),
}
APPLICATION_STATES = {
    "draft": (N_("Draft"), "off"),
    "submitted": (N_("Being reviewed"), "wait"),
    "returned": (N_("Returned for completion"), "bad"),
    "approved": (N_("Approved"), "good"),
    "refused": (N_("Refused"), "bad"),
    "withdrawn": (N_("Withdrawn"), "off"),
}
STEPS = {
    "submitted": (N_("Handed in"), "info"),
    "returned": (N_("Returned for completion"), "wait"),
    "approved": (N_("Approved: certificate issued"), "good"),
    "refused": (N_("Refused"), "bad"),
    "withdrawn": (N_("Withdrawn"), "off"),
}
CHANGES = {
    "suspended": N_("Suspend the trial"),
    "resumed": N_("Resume the trial"),
    "terminated": N_("Terminate the trial for good"),
}
HAPPENED = {
    EventKind.EXTENSION_ASKED: (N_("Extension asked for"), "info"),
    EventKind.EXTENDED: (N_("Extended"), "good"),
    EventKind.EXTENSION_REFUSED: (N_("Extension not granted"), "bad"),
    EventKind.REPORTED: (N_("Periodic report handed in"), "good"),
    EventKind.INCIDENT: (N_("Serious incident, or a limit exceeded"), "bad"),
    EventKind.INCIDENT_REPORTED: (N_("Incident reported"), "info"),
    EventKind.INCIDENT_CLOSED: (N_("Incident closed"), "good"),
    EventKind.SECURITY_RENEWED: (N_("Newer security certificate recorded"), "good"),
    EventKind.SUSPENDED: (N_("Suspended"), "bad"),
    EventKind.RESUMED: (N_("Resumed"), "good"),
    EventKind.TERMINATED: (N_("Terminated"), "bad"),
    EventKind.EXIT_REPORTED: (N_("Exit report handed in"), "info"),
    EventKind.EVALUATED: (N_("Evaluated by the authority"), "info"),
    EventKind.CLOSED: (N_("Closed"), "off"),
}
CODES = {
    "cap_breach": N_("A limit of the certificate was exceeded"),
    "incident": N_("A serious incident"),
    "security_certificate": N_("The security certificate has expired"),
    "reports_missed": N_("Reports were missed"),
    "inspection": N_("An inspection"),
    "precaution": N_("A precaution of the operator"),
    "remedied": N_("The cause is remedied"),
    "unfounded": N_("The suspicion was unfounded"),
    "fraud": N_("Fraud"),
    "false_dossier": N_("False statements in the dossier"),
    "security_harm": N_("Harm to security or public order"),
    "inspection_refused": N_("An inspection was refused"),
    "self_exit": N_("The operator leaves the trial by itself"),
    "met": N_("The trial met its aim"),
    "partly": N_("The trial met its aim in part"),
    "not_met": N_("The trial did not meet its aim"),
    "withdrawn": N_("The operator took its asking back"),
}
WHY = {
    Why.DECISION: N_("By a decision, on %(day)s."),
    Why.INCIDENT_OPEN: N_("An incident of %(day)s is open."),
    Why.INCIDENT_REPORT_LATE: N_("An incident was not reported in time; since %(day)s."),
    Why.SECURITY_EXPIRED: N_("The security certificate is expired since %(day)s."),
    Why.REPORTS_MISSED: N_("Periodic reports are missing since %(day)s."),
}
ENDED = {
    "left": N_("Left"),
    "false_statement": N_("Excluded: a statement was false"),
    "not_eligible": N_("Excluded: no longer eligible"),
}
VERBS = {Verb.OWN: N_("To own"), Verb.MANAGE: N_("To manage"), Verb.PROCESS: N_("To process"),
         Verb.DISTRIBUTE: N_("To distribute")}  # fmt: skip
LEVELS = {
    1: N_("Level 1: chosen participants, results are not used"),
    2: N_("Level 2: real users, results are used"),
    3: N_("Level 3: sensitive, core, important or child data"),
}
APPROVERS = {
    Approver.PROVINCIAL: N_("People's Committee of a province"),
    Approver.MINISTRY: N_("Ministry"),
    Approver.PUBLIC_SECURITY: N_("Ministry of Public Security"),
}
PROFILES = {"pilot": N_("The general rules of trials"), "capital": N_("Capital Law (Ha Noi only)")}
DEGREES = {
    "economics": N_("Economics"),
    "business": N_("Business administration"),
    "law": N_("Law"),
    "it": N_("Information technology"),
    "other": N_("Another degree, or none"),
}
FIELDS = {
    "question": N_("Question"), "measure": N_("Measure of success"), "participants": N_("Participants"),
    "sectors": N_("Sectors"), "classes": N_("Classes of data"), "verbs": N_("Rights tried out"), "level": N_("Level"),
    "territory": N_("Territory"), "valid_from": N_("First day"), "valid_to": N_("Last day"),
    "max_members": N_("Members, at most"), "max_listings": N_("Listings, at most"),
    "max_tx_vnd": N_("One contract, at most"), "max_total_vnd": N_("All contracts, at most"),
    "safeguards": N_("Safeguards"), "security_valid_to": N_("Security certificate, last day"),
    "notice_version": N_("Version of the notice"), "profile": N_("Rules"), "authority_id": N_("Authority"),
    "cert_no": N_("Certificate number"), "authority": N_("Authority"), "kind": N_("What happens"),
    "code": N_("Reason by the list"), "reason": N_("Reason"), "until": N_("New last day"),
    "security_until": N_("Security certificate, last day"),
    "granted": N_("Decision"), "conditions": N_("Conditions"), "org": N_("Tax code"),
    "approver": N_("Kind of authority"), "provinces": N_("Provinces"), "basis": N_("Document"),
    "vietnamese": N_("Legal entity"), "reorganising": N_("Reorganisation"),
    "licence_valid_to": N_("Business licence, last day"), "manager_degree": N_("Degree of the person responsible"),
    "manager_years": N_("Years of management"),
}  # fmt: skip
