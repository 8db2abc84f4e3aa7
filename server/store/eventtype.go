package store

// EventType is the name of what happened.
type EventType string

// The types of events. Their names are the contract's.
const (
	InstanceAdded              EventType = "instance.added"
	InstanceChanged            EventType = "instance.changed"
	InstanceRemoved            EventType = "instance.removed"
	InstanceDefaultLanguageSet EventType = "instance.default.language.set"
	InstanceDefaultOrgSet      EventType = "instance.default.org.set"
	InstanceDomainAdded        EventType = "instance.domain.added"
	InstanceDomainPrimarySet   EventType = "instance.domain.primary.set"
	InstanceDomainRemoved      EventType = "instance.domain.removed"
	InstanceMemberAdded        EventType = "instance.member.added"
	InstanceMemberChanged      EventType = "instance.member.changed"
	InstanceMemberRemoved      EventType = "instance.member.removed"

	OrgAdded            EventType = "org.added"
	OrgDomainAdded      EventType = "org.domain.added"
	OrgDomainVerified   EventType = "org.domain.verified"
	OrgDomainPrimarySet EventType = "org.domain.primary.set"
	OrgMemberAdded      EventType = "org.member.added"
	OrgMemberChanged    EventType = "org.member.changed"
	OrgMemberRemoved    EventType = "org.member.removed"

	UserHumanAdded           EventType = "user.human.added"
	UserHumanPasswordChanged EventType = "user.human.password.changed"
	UserMachineAdded         EventType = "user.machine.added"
	UserMachineKeyAdded      EventType = "user.machine.key.added"
	UserPATAdded             EventType = "user.pat.added"
)
