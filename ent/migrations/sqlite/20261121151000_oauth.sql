-- +goose NO TRANSACTION
-- +goose Up
-- disable the enforcement of foreign-keys constraints
PRAGMA foreign_keys = off;
BEGIN IMMEDIATE;
-- create "new_access_tokens" table
CREATE TABLE `new_access_tokens` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `token_id` text NOT NULL, `credential` text NOT NULL DEFAULT (''), `source` text NULL, `hash` blob NOT NULL, `scopes` json NOT NULL, `audience` json NOT NULL, `actor` json NULL, `created_at` datetime NOT NULL, `expires_at` datetime NOT NULL, `application_pk` integer NULL, `user_pk` integer NULL, CONSTRAINT `access_tokens_applications_access_tokens` FOREIGN KEY (`application_pk`) REFERENCES `applications` (`id`) ON DELETE NO ACTION, CONSTRAINT `access_tokens_users_access_tokens` FOREIGN KEY (`user_pk`) REFERENCES `users` (`id`) ON DELETE NO ACTION);
-- the rows of the old table are not copied: nobody knows what those tokens are for, and they last half a day
-- drop "access_tokens" table after copying rows
DROP TABLE `access_tokens`;
-- rename temporary table "new_access_tokens" to "access_tokens"
ALTER TABLE `new_access_tokens` RENAME TO `access_tokens`;
-- create index "accesstoken_instance_id_hash" to table: "access_tokens"
CREATE UNIQUE INDEX `accesstoken_instance_id_hash` ON `access_tokens` (`instance_id`, `hash`);
-- create index "accesstoken_user_pk" to table: "access_tokens"
CREATE INDEX `accesstoken_user_pk` ON `access_tokens` (`user_pk`);
-- create index "accesstoken_application_pk" to table: "access_tokens"
CREATE INDEX `accesstoken_application_pk` ON `access_tokens` (`application_pk`);
-- create index "accesstoken_instance_id_credential" to table: "access_tokens"
CREATE INDEX `accesstoken_instance_id_credential` ON `access_tokens` (`instance_id`, `credential`) WHERE application_pk IS NOT NULL;
-- create index "accesstoken_instance_id_source" to table: "access_tokens"
CREATE INDEX `accesstoken_instance_id_source` ON `access_tokens` (`instance_id`, `source`) WHERE source IS NOT NULL;
-- create index "accesstoken_expires_at" to table: "access_tokens"
CREATE INDEX `accesstoken_expires_at` ON `access_tokens` (`expires_at`);
-- create "new_signing_keys" table
CREATE TABLE `new_signing_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `sequence` integer NOT NULL DEFAULT (0), `created_at` datetime NOT NULL, `changed_at` datetime NOT NULL, `key_id` text NOT NULL, `algorithm` text NOT NULL, `private_key` blob NOT NULL, `public_key` blob NOT NULL, `state` text NOT NULL DEFAULT ('initial'), `activates_at` datetime NULL, `activated_at` datetime NULL, `retired_at` datetime NULL, `instance_pk` integer NOT NULL, CONSTRAINT `signing_keys_instances_signing_keys` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- copy rows from old table "signing_keys" to new temporary table "new_signing_keys"; until now all keys were of RSA
INSERT INTO `new_signing_keys` (`id`, `instance_id`, `created_at`, `changed_at`, `key_id`, `algorithm`, `private_key`, `public_key`, `state`, `activated_at`, `retired_at`, `instance_pk`) SELECT `id`, `instance_id`, `created_at`, `created_at`, `key_id`, 'RS256', `private_key`, `public_key`, CASE WHEN `active` THEN 'active' ELSE 'inactive' END, `created_at`, CASE WHEN `active` THEN NULL ELSE `created_at` END, `instance_pk` FROM `signing_keys`;
-- drop "signing_keys" table after copying rows
DROP TABLE `signing_keys`;
-- rename temporary table "new_signing_keys" to "signing_keys"
ALTER TABLE `new_signing_keys` RENAME TO `signing_keys`;
-- create index "signingkey_instance_id_key_id" to table: "signing_keys"
CREATE UNIQUE INDEX `signingkey_instance_id_key_id` ON `signing_keys` (`instance_id`, `key_id`);
-- create index "signingkey_instance_pk" to table: "signing_keys"
CREATE INDEX `signingkey_instance_pk` ON `signing_keys` (`instance_pk`);
-- one key of an instance is active at most
CREATE UNIQUE INDEX `bastide_signing_key_active` ON `signing_keys` (`instance_id`) WHERE `state` = 'active';
-- create "used_assertions" table
CREATE TABLE `used_assertions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `instance_id` text NOT NULL, `hash` blob NOT NULL, `expires_at` datetime NOT NULL, `instance_pk` integer NOT NULL, CONSTRAINT `used_assertions_instances_used_assertions` FOREIGN KEY (`instance_pk`) REFERENCES `instances` (`id`) ON DELETE NO ACTION);
-- create index "usedassertion_instance_id_hash" to table: "used_assertions"
CREATE UNIQUE INDEX `usedassertion_instance_id_hash` ON `used_assertions` (`instance_id`, `hash`);
-- create index "usedassertion_instance_pk" to table: "used_assertions"
CREATE INDEX `usedassertion_instance_pk` ON `used_assertions` (`instance_pk`);
-- create index "usedassertion_expires_at" to table: "used_assertions"
CREATE INDEX `usedassertion_expires_at` ON `used_assertions` (`expires_at`);
COMMIT;
-- enable back the enforcement of foreign-keys constraints
PRAGMA foreign_keys = on;
