-- +goose NO TRANSACTION
-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
BEGIN IMMEDIATE;
-- create "new_instances" table
CREATE TABLE `new_instances` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `name` text NOT NULL, `name_key` blob NOT NULL, `default_language` text NOT NULL, `default_organization_id` text NOT NULL DEFAULT (''), `state` text NOT NULL DEFAULT ('active'));
-- copy rows from old table "instances" to new temporary table "new_instances"
INSERT INTO `new_instances` (`id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `name`, `name_key`, `default_language`, `default_organization_id`) SELECT `id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `name`, `name_key`, `default_language`, `default_organization_id` FROM `instances`;
-- drop "instances" table after copying rows
DROP TABLE `instances`;
-- rename temporary table "new_instances" to "instances"
ALTER TABLE `new_instances` RENAME TO `instances`;
-- create index "instance_instance_id" to table: "instances"
CREATE UNIQUE INDEX `instance_instance_id` ON `instances` (`instance_id`);
-- create index "organization_instance_id_state" to table: "organizations"
CREATE INDEX `organization_instance_id_state` ON `organizations` (`instance_id`, `state`);
-- create "new_organization_domains" table
CREATE TABLE `new_organization_domains` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `domain` text NOT NULL, `verified` bool NOT NULL, `is_primary` bool NOT NULL, `validation_type` integer NOT NULL DEFAULT (0), `validation_token` text NOT NULL DEFAULT (''), `organization_pk` integer NOT NULL, CONSTRAINT `organization_domains_organizations_domains` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- copy rows from old table "organization_domains" to new temporary table "new_organization_domains"
INSERT INTO `new_organization_domains` (`id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `domain`, `verified`, `is_primary`, `organization_pk`) SELECT `id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `domain`, `verified`, `is_primary`, `organization_pk` FROM `organization_domains`;
-- drop "organization_domains" table after copying rows
DROP TABLE `organization_domains`;
-- rename temporary table "new_organization_domains" to "organization_domains"
ALTER TABLE `new_organization_domains` RENAME TO `organization_domains`;
-- create index "organizationdomain_organization_pk_domain" to table: "organization_domains"
CREATE UNIQUE INDEX `organizationdomain_organization_pk_domain` ON `organization_domains` (`organization_pk`, `domain`);
-- create index "organizationdomain_instance_id_domain" to table: "organization_domains"
CREATE UNIQUE INDEX `organizationdomain_instance_id_domain` ON `organization_domains` (`instance_id`, `domain`) WHERE verified;
-- create "new_passwords" table
CREATE TABLE `new_passwords` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `hash` text NOT NULL, `change_required` bool NOT NULL, `failed_attempts` integer NOT NULL DEFAULT (0), `user_pk` integer NOT NULL, CONSTRAINT `passwords_users_passwords` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- copy rows from old table "passwords" to new temporary table "new_passwords"
INSERT INTO `new_passwords` (`id`, `instance_id`, `hash`, `change_required`, `user_pk`) SELECT `id`, `instance_id`, `hash`, `change_required`, `user_pk` FROM `passwords`;
-- drop "passwords" table after copying rows
DROP TABLE `passwords`;
-- rename temporary table "new_passwords" to "passwords"
ALTER TABLE `new_passwords` RENAME TO `passwords`;
-- create index "password_user_pk" to table: "passwords"
CREATE UNIQUE INDEX `password_user_pk` ON `passwords` (`user_pk`);
-- create "new_users" table
CREATE TABLE `new_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `user_id` text NOT NULL, `resource_owner` text NOT NULL, `type` text NOT NULL, `state` text NOT NULL DEFAULT ('active'), `user_name` text NOT NULL, `name_scope` text NOT NULL DEFAULT (''), `name_key` blob NOT NULL, `first_name` text NOT NULL DEFAULT (''), `first_name_key` blob NOT NULL, `last_name` text NOT NULL DEFAULT (''), `last_name_key` blob NOT NULL, `nick_name` text NOT NULL DEFAULT (''), `nick_name_key` blob NOT NULL, `display_name` text NOT NULL DEFAULT (''), `display_name_key` blob NOT NULL, `preferred_language` text NOT NULL DEFAULT (''), `gender` integer NOT NULL DEFAULT (0), `email` text NOT NULL DEFAULT (''), `email_key` blob NOT NULL, `email_verified` bool NOT NULL DEFAULT (false), `phone` text NOT NULL DEFAULT (''), `phone_verified` bool NOT NULL DEFAULT (false), `password_changed_at` datetime NULL, `description` text NOT NULL DEFAULT (''), `access_token_type` integer NOT NULL DEFAULT (0), `secret_hash` blob NULL, `organization_pk` integer NOT NULL, CONSTRAINT `users_organizations_users` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- copy rows from old table "users" to new temporary table "new_users"; they are found by ASCII letters without regard to case, until they change
INSERT INTO `new_users` (`id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `user_id`, `resource_owner`, `type`, `state`, `user_name`, `name_scope`, `name_key`, `first_name`, `first_name_key`, `last_name`, `last_name_key`, `nick_name`, `nick_name_key`, `display_name`, `display_name_key`, `preferred_language`, `gender`, `email`, `email_key`, `email_verified`, `phone`, `phone_verified`, `password_changed_at`, `description`, `access_token_type`, `secret_hash`, `organization_pk`) SELECT `id`, `instance_id`, `sequence`, `created_at`, `changed_at`, `user_id`, `resource_owner`, `type`, `state`, `user_name`, `name_scope`, `name_key`, `first_name`, `first_name_key`, `last_name`, `last_name_key`, `nick_name`, CAST(lower(`nick_name`) AS BLOB), `display_name`, CAST(lower(`display_name`) AS BLOB), `preferred_language`, `gender`, `email`, `email_key`, `email_verified`, `phone`, `phone_verified`, `password_changed_at`, `description`, `access_token_type`, `secret_hash`, `organization_pk` FROM `users`;
-- drop "users" table after copying rows
DROP TABLE `users`;
-- rename temporary table "new_users" to "users"
ALTER TABLE `new_users` RENAME TO `users`;
-- create index "user_instance_id_user_id" to table: "users"
CREATE UNIQUE INDEX `user_instance_id_user_id` ON `users` (`instance_id`, `user_id`);
-- create index "user_instance_id_name_scope_name_key" to table: "users"
CREATE UNIQUE INDEX `user_instance_id_name_scope_name_key` ON `users` (`instance_id`, `name_scope`, `name_key`);
-- create index "user_organization_pk" to table: "users"
CREATE INDEX `user_organization_pk` ON `users` (`organization_pk`);
-- create index "user_instance_id_email_key" to table: "users"
CREATE INDEX `user_instance_id_email_key` ON `users` (`instance_id`, `email_key`);
-- create "applications" table
CREATE TABLE `applications` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `application_id` text NOT NULL, `name` text NOT NULL, `name_key` blob NOT NULL, `state` text NOT NULL DEFAULT ('active'), `kind` text NOT NULL, `client_id` text NOT NULL, `secret_hash` blob NULL, `auth_method` integer NOT NULL DEFAULT (0), `settings` json NOT NULL, `project_pk` integer NOT NULL, CONSTRAINT `applications_projects_applications` FOREIGN KEY (`project_pk`) REFERENCES `projects` (`id`) ON DELETE NO ACTION);
-- create index "application_instance_id_application_id" to table: "applications"
CREATE UNIQUE INDEX `application_instance_id_application_id` ON `applications` (`instance_id`, `application_id`);
-- create index "application_instance_id_client_id" to table: "applications"
CREATE UNIQUE INDEX `application_instance_id_client_id` ON `applications` (`instance_id`, `client_id`);
-- create index "application_project_pk_name_key" to table: "applications"
CREATE UNIQUE INDEX `application_project_pk_name_key` ON `applications` (`project_pk`, `name_key`);
-- create "application_keys" table
CREATE TABLE `application_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key_id` text NOT NULL, `public_key` blob NOT NULL, `expires_at` datetime NULL, `application_pk` integer NOT NULL, CONSTRAINT `application_keys_applications_keys` FOREIGN KEY (`application_pk`) REFERENCES `applications` (`id`) ON DELETE NO ACTION);
-- create index "applicationkey_instance_id_key_id" to table: "application_keys"
CREATE UNIQUE INDEX `applicationkey_instance_id_key_id` ON `application_keys` (`instance_id`, `key_id`);
-- create index "applicationkey_application_pk" to table: "application_keys"
CREATE INDEX `applicationkey_application_pk` ON `application_keys` (`application_pk`);
-- create "instance_trusted_domains" table
CREATE TABLE `instance_trusted_domains` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `domain` text NOT NULL, `instance_pk` integer NOT NULL, CONSTRAINT `instance_trusted_domains_instances_trusted_domains` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- create index "instancetrusteddomain_instance_id_domain" to table: "instance_trusted_domains"
CREATE UNIQUE INDEX `instancetrusteddomain_instance_id_domain` ON `instance_trusted_domains` (`instance_id`, `domain`);
-- create index "instancetrusteddomain_instance_pk" to table: "instance_trusted_domains"
CREATE INDEX `instancetrusteddomain_instance_pk` ON `instance_trusted_domains` (`instance_pk`);
-- create "organization_metadata" table
CREATE TABLE `organization_metadata` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key` text NOT NULL, `key_key` blob NOT NULL, `value` blob NOT NULL, `organization_pk` integer NOT NULL, CONSTRAINT `organization_metadata_organizations_metadata` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- create index "organizationmetadata_organization_pk_key" to table: "organization_metadata"
CREATE UNIQUE INDEX `organizationmetadata_organization_pk_key` ON `organization_metadata` (`organization_pk`, `key`);
-- create "projects" table
CREATE TABLE `projects` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `project_id` text NOT NULL, `resource_owner` text NOT NULL, `name` text NOT NULL, `name_key` blob NOT NULL, `state` text NOT NULL DEFAULT ('active'), `role_assertion` bool NOT NULL DEFAULT (false), `role_check` bool NOT NULL DEFAULT (false), `has_project_check` bool NOT NULL DEFAULT (false), `private_labeling_setting` integer NOT NULL DEFAULT (0), `organization_pk` integer NOT NULL, CONSTRAINT `projects_organizations_projects` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION);
-- create index "project_instance_id_project_id" to table: "projects"
CREATE UNIQUE INDEX `project_instance_id_project_id` ON `projects` (`instance_id`, `project_id`);
-- create index "project_organization_pk_name_key" to table: "projects"
CREATE UNIQUE INDEX `project_organization_pk_name_key` ON `projects` (`organization_pk`, `name_key`);
-- create "project_roles" table
CREATE TABLE `project_roles` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key` text NOT NULL, `key_key` blob NOT NULL, `display_name` text NOT NULL DEFAULT (''), `display_name_key` blob NOT NULL, `group` text NOT NULL DEFAULT (''), `project_pk` integer NOT NULL, CONSTRAINT `project_roles_projects_roles` FOREIGN KEY (`project_pk`) REFERENCES `projects` (`id`) ON DELETE NO ACTION);
-- create index "projectrole_project_pk_key" to table: "project_roles"
CREATE UNIQUE INDEX `projectrole_project_pk_key` ON `project_roles` (`project_pk`, `key`);
-- create "user_grants" table
CREATE TABLE `user_grants` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `grant_id` text NOT NULL, `resource_owner` text NOT NULL, `role_keys` json NOT NULL, `state` text NOT NULL DEFAULT ('active'), `organization_pk` integer NOT NULL, `project_pk` integer NOT NULL, `user_pk` integer NOT NULL, CONSTRAINT `user_grants_organizations_user_grants` FOREIGN KEY (`organization_pk`) REFERENCES `organizations` (`id`) ON DELETE NO ACTION, CONSTRAINT `user_grants_projects_user_grants` FOREIGN KEY (`project_pk`) REFERENCES `projects` (`id`) ON DELETE NO ACTION, CONSTRAINT `user_grants_users_grants` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "usergrant_instance_id_grant_id" to table: "user_grants"
CREATE UNIQUE INDEX `usergrant_instance_id_grant_id` ON `user_grants` (`instance_id`, `grant_id`);
-- create index "usergrant_user_pk_project_pk" to table: "user_grants"
CREATE UNIQUE INDEX `usergrant_user_pk_project_pk` ON `user_grants` (`user_pk`, `project_pk`);
-- create index "usergrant_organization_pk" to table: "user_grants"
CREATE INDEX `usergrant_organization_pk` ON `user_grants` (`organization_pk`);
-- create index "usergrant_project_pk" to table: "user_grants"
CREATE INDEX `usergrant_project_pk` ON `user_grants` (`project_pk`);
-- create "user_metadata" table
CREATE TABLE `user_metadata` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key` text NOT NULL, `key_key` blob NOT NULL, `value` blob NOT NULL, `user_pk` integer NOT NULL, CONSTRAINT `user_metadata_users_metadata` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "usermetadata_user_pk_key" to table: "user_metadata"
CREATE UNIQUE INDEX `usermetadata_user_pk_key` ON `user_metadata` (`user_pk`, `key`);
-- create "verification_codes" table
CREATE TABLE `verification_codes` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `kind` text NOT NULL, `hash` blob NOT NULL, `expires_at` datetime NOT NULL, `failed_attempts` integer NOT NULL DEFAULT (0), `user_pk` integer NOT NULL, CONSTRAINT `verification_codes_users_verification_codes` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- create index "verificationcode_user_pk_kind" to table: "verification_codes"
CREATE UNIQUE INDEX `verificationcode_user_pk_kind` ON `verification_codes` (`user_pk`, `kind`);
COMMIT;
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
