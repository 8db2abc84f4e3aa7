-- +goose Up
-- create "access_tokens" table
CREATE TABLE `access_tokens` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `hash` blob NOT NULL, `scopes` json NOT NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `user_pk` integer NOT NULL, CONSTRAINT `access_tokens_users_access_tokens` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "accesstoken_instance_id_hash" to table: "access_tokens"
CREATE UNIQUE INDEX `accesstoken_instance_id_hash` ON `access_tokens` (`instance_id`, `hash`);
-- create index "accesstoken_user_pk" to table: "access_tokens"
CREATE INDEX `accesstoken_user_pk` ON `access_tokens` (`user_pk`);
-- create index "accesstoken_instance_id_expires_at" to table: "access_tokens"
CREATE INDEX `accesstoken_instance_id_expires_at` ON `access_tokens` (`instance_id`, `expires_at`);
-- create "events" table
CREATE TABLE `events` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `aggregate_type` text NOT NULL, `aggregate_id` text NOT NULL, `owner_id` text NOT NULL, `sequence` integer NOT NULL, `type` text NOT NULL, `editor_type` text NOT NULL, `editor_id` text NOT NULL, `created_at` datetime NOT NULL, `payload` json NULL);
-- create index "event_instance_id_aggregate_type_aggregate_id_sequence" to table: "events"
CREATE UNIQUE INDEX `event_instance_id_aggregate_type_aggregate_id_sequence` ON `events` (`instance_id`, `aggregate_type`, `aggregate_id`, `sequence`);
-- create index "event_instance_id_id" to table: "events"
CREATE INDEX `event_instance_id_id` ON `events` (`instance_id`, `id`);
-- create "installations" table
CREATE TABLE `installations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `master_key_fingerprint` blob NOT NULL, `system_public_key` blob NOT NULL, `first_instance_id` text NOT NULL DEFAULT (''), `created_at` datetime NOT NULL);
-- create "instances" table
CREATE TABLE `instances` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `name` text NOT NULL, `name_key` blob NOT NULL, `default_language` text NOT NULL, `default_organization_id` text NOT NULL DEFAULT (''));
-- create index "instance_instance_id" to table: "instances"
CREATE UNIQUE INDEX `instance_instance_id` ON `instances` (`instance_id`);
-- create "instance_domains" table
CREATE TABLE `instance_domains` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `domain` text NOT NULL, `generated` bool NOT NULL, `is_primary` bool NOT NULL, `instance_pk` integer NOT NULL, CONSTRAINT `instance_domains_instances_domains` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- create index "instancedomain_domain" to table: "instance_domains"
CREATE UNIQUE INDEX `instancedomain_domain` ON `instance_domains` (`domain`);
-- create index "instancedomain_instance_id_domain" to table: "instance_domains"
CREATE INDEX `instancedomain_instance_id_domain` ON `instance_domains` (`instance_id`, `domain`);
-- create index "instancedomain_instance_pk" to table: "instance_domains"
CREATE INDEX `instancedomain_instance_pk` ON `instance_domains` (`instance_pk`);
-- create "machine_keys" table
CREATE TABLE `machine_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key_id` text NOT NULL, `public_key` blob NOT NULL, `expires_at` datetime NULL, `user_pk` integer NOT NULL, CONSTRAINT `machine_keys_users_machine_keys` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "machinekey_instance_id_key_id" to table: "machine_keys"
CREATE UNIQUE INDEX `machinekey_instance_id_key_id` ON `machine_keys` (`instance_id`, `key_id`);
-- create index "machinekey_user_pk" to table: "machine_keys"
CREATE INDEX `machinekey_user_pk` ON `machine_keys` (`user_pk`);
-- create "memberships" table
CREATE TABLE `memberships` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `level` text NOT NULL, `object_id` text NOT NULL, `roles` json NOT NULL, `organization_pk` integer NULL, `user_pk` integer NOT NULL, CONSTRAINT `memberships_organizations_memberships` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION, CONSTRAINT `memberships_users_memberships` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "membership_instance_id_level_object_id_user_pk" to table: "memberships"
CREATE UNIQUE INDEX `membership_instance_id_level_object_id_user_pk` ON `memberships` (`instance_id`, `level`, `object_id`, `user_pk`);
-- create index "membership_user_pk" to table: "memberships"
CREATE INDEX `membership_user_pk` ON `memberships` (`user_pk`);
-- create index "membership_organization_pk" to table: "memberships"
CREATE INDEX `membership_organization_pk` ON `memberships` (`organization_pk`);
-- create "organizations" table
CREATE TABLE `organizations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `organization_id` text NOT NULL, `name` text NOT NULL, `name_key` blob NOT NULL, `state` text NOT NULL DEFAULT ('active'), `instance_pk` integer NOT NULL, CONSTRAINT `organizations_instances_organizations` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- create index "organization_instance_id_organization_id" to table: "organizations"
CREATE UNIQUE INDEX `organization_instance_id_organization_id` ON `organizations` (`instance_id`, `organization_id`);
-- create index "organization_instance_id_name_key" to table: "organizations"
CREATE UNIQUE INDEX `organization_instance_id_name_key` ON `organizations` (`instance_id`, `name_key`);
-- create index "organization_instance_pk" to table: "organizations"
CREATE INDEX `organization_instance_pk` ON `organizations` (`instance_pk`);
-- create "organization_domains" table
CREATE TABLE `organization_domains` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `domain` text NOT NULL, `verified` bool NOT NULL, `is_primary` bool NOT NULL, `organization_pk` integer NOT NULL, CONSTRAINT `organization_domains_organizations_domains` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- create index "organizationdomain_organization_pk_domain" to table: "organization_domains"
CREATE UNIQUE INDEX `organizationdomain_organization_pk_domain` ON `organization_domains` (`organization_pk`, `domain`);
-- create index "organizationdomain_instance_id_domain" to table: "organization_domains"
CREATE UNIQUE INDEX `organizationdomain_instance_id_domain` ON `organization_domains` (`instance_id`, `domain`) WHERE verified;
-- create "policies" table
CREATE TABLE `policies` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `owner_id` text NOT NULL, `kind` text NOT NULL, `settings` json NOT NULL);
-- create index "ownerpolicy_instance_id_owner_id_kind" to table: "policies"
CREATE UNIQUE INDEX `ownerpolicy_instance_id_owner_id_kind` ON `policies` (`instance_id`, `owner_id`, `kind`);
-- create "passwords" table
CREATE TABLE `passwords` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `hash` text NOT NULL, `change_required` bool NOT NULL, `user_pk` integer NOT NULL, CONSTRAINT `passwords_users_passwords` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "password_user_pk" to table: "passwords"
CREATE UNIQUE INDEX `password_user_pk` ON `passwords` (`user_pk`);
-- create "personal_access_tokens" table
CREATE TABLE `personal_access_tokens` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `token_id` text NOT NULL, `hash` blob NOT NULL, `scopes` json NOT NULL, `expires_at` datetime NULL, `last_used_at` datetime NULL, `user_pk` integer NOT NULL, CONSTRAINT `personal_access_tokens_users_personal_access_tokens` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "personalaccesstoken_instance_id_token_id" to table: "personal_access_tokens"
CREATE UNIQUE INDEX `personalaccesstoken_instance_id_token_id` ON `personal_access_tokens` (`instance_id`, `token_id`);
-- create index "personalaccesstoken_instance_id_hash" to table: "personal_access_tokens"
CREATE UNIQUE INDEX `personalaccesstoken_instance_id_hash` ON `personal_access_tokens` (`instance_id`, `hash`);
-- create index "personalaccesstoken_user_pk" to table: "personal_access_tokens"
CREATE INDEX `personalaccesstoken_user_pk` ON `personal_access_tokens` (`user_pk`);
-- create "personal_data" table
CREATE TABLE `personal_data` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `user_id` text NOT NULL, `payload` json NOT NULL, `event_pk` integer NOT NULL, CONSTRAINT `personal_data_events_personal_data` FOREIGN KEY (`event_pk`) REFERENCES `events` (`id`) ON DELETE NO ACTION);
-- create index "personaldata_instance_id_user_id" to table: "personal_data"
CREATE INDEX `personaldata_instance_id_user_id` ON `personal_data` (`instance_id`, `user_id`);
-- create index "personaldata_event_pk" to table: "personal_data"
CREATE INDEX `personaldata_event_pk` ON `personal_data` (`event_pk`);
-- create "signing_keys" table
CREATE TABLE `signing_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `key_id` text NOT NULL, `private_key` blob NOT NULL, `public_key` blob NOT NULL, `active` bool NOT NULL, `created_at` datetime NOT NULL, `instance_pk` integer NOT NULL, CONSTRAINT `signing_keys_instances_signing_keys` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- create index "signingkey_instance_id_key_id" to table: "signing_keys"
CREATE UNIQUE INDEX `signingkey_instance_id_key_id` ON `signing_keys` (`instance_id`, `key_id`);
-- create index "signingkey_instance_pk" to table: "signing_keys"
CREATE INDEX `signingkey_instance_pk` ON `signing_keys` (`instance_pk`);
-- create "users" table
CREATE TABLE `users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `user_id` text NOT NULL, `resource_owner` text NOT NULL, `type` text NOT NULL, `state` text NOT NULL DEFAULT ('active'), `user_name` text NOT NULL, `name_scope` text NOT NULL DEFAULT (''), `name_key` blob NOT NULL, `first_name` text NOT NULL DEFAULT (''), `first_name_key` blob NOT NULL, `last_name` text NOT NULL DEFAULT (''), `last_name_key` blob NOT NULL, `nick_name` text NOT NULL DEFAULT (''), `display_name` text NOT NULL DEFAULT (''), `preferred_language` text NOT NULL DEFAULT (''), `gender` integer NOT NULL DEFAULT (0), `email` text NOT NULL DEFAULT (''), `email_key` blob NOT NULL, `email_verified` bool NOT NULL DEFAULT (false), `phone` text NOT NULL DEFAULT (''), `phone_verified` bool NOT NULL DEFAULT (false), `password_changed_at` datetime NULL, `description` text NOT NULL DEFAULT (''), `access_token_type` integer NOT NULL DEFAULT (0), `secret_hash` blob NULL, `organization_pk` integer NOT NULL, CONSTRAINT `users_organizations_users` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- create index "user_instance_id_user_id" to table: "users"
CREATE UNIQUE INDEX `user_instance_id_user_id` ON `users` (`instance_id`, `user_id`);
-- create index "user_instance_id_name_scope_name_key" to table: "users"
CREATE UNIQUE INDEX `user_instance_id_name_scope_name_key` ON `users` (`instance_id`, `name_scope`, `name_key`);
-- create index "user_organization_pk" to table: "users"
CREATE INDEX `user_organization_pk` ON `users` (`organization_pk`);
-- create "worker_leases" table
CREATE TABLE `worker_leases` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `holder` text NOT NULL, `until` integer NOT NULL);
