# The first call: who am I?
url="${BASTIDE_URL:-http://localhost:8080}"
data="${BASTIDE_DATA_DIR:-bastide-data}"

curl -fsS -H "Authorization: Bearer $(cat "$data/owner.pat")" "$url/auth/v1/users/me"
