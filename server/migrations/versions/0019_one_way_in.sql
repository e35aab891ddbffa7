UPDATE users SET password = NULL, totp = NULL, totp_step = NULL
WHERE password IS NOT NULL AND id IN (SELECT user_id FROM identities);
UPDATE sessions SET revoked_at = now()
WHERE user_id IN (SELECT user_id FROM identities) AND revoked_at IS NULL AND factor <> 'provider';
DELETE FROM recovery_codes WHERE user_id IN (SELECT user_id FROM identities);
UPDATE password_resets SET used_at = now()
WHERE user_id IN (SELECT user_id FROM identities) AND used_at IS NULL;
