# ./dev run: from a fresh clone to the console of a running instance. Sourced by dev.
# shellcheck shell=bash

CUMULET=build/release/bin/cumulet
GREETING="Welcome to Cumulet"
GREETING_TIMEOUT_S=300

command_run() {
  ensure_packages
  build_preset release programs
  say "starting the cloud"
  "$CUMULET" up
  local image instance
  image=$(default_image)
  instance=$(existing_instance)
  if [ -n "$instance" ]; then
    say "$instance runs already"
  else
    instance=$(launch "$image")
  fi
  wait_for_greeting "$instance"
  say "the console of $instance"
  console "$instance"
  next_steps "$instance" "$image"
}

# default_image: the id of the newest AMI, which is built first if there is none.
default_image() {
  local image
  image=$(newest_image)
  if [ -z "$image" ]; then
    say "building the default machine image"
    "$CUMULET" image build >&2
    image=$(newest_image)
  fi
  [ -n "$image" ] || fail "cumulet image build made no image"
  echo "$image"
}

newest_image() {
  "$CUMULET" aws ec2 describe-images --query 'sort_by(Images, &CreationDate)[-1].ImageId' --output text | sed '/^None$/d'
}

# existing_instance: the id of an instance of an earlier ./dev run that is still running, or nothing.
existing_instance() {
  "$CUMULET" aws ec2 describe-instances --filters Name=tag:Name,Values=first-light \
    Name=instance-state-name,Values=pending,running \
    --query 'Reservations[0].Instances[0].InstanceId' --output text | sed '/^None$/d'
}

launch() {
  local instance
  say "aws ec2 run-instances --image-id $1 --instance-type t3.micro"
  instance=$("$CUMULET" aws ec2 run-instances --image-id "$1" --instance-type t3.micro --count 1 \
    --tag-specifications 'ResourceType=instance,Tags=[{Key=Name,Value=first-light}]' \
    --query 'Instances[0].InstanceId' --output text)
  say "$instance is pending; aws ec2 wait instance-running"
  "$CUMULET" aws ec2 wait instance-running --instance-ids "$instance" >&2
  say "$instance is running"
  echo "$instance"
}

# console INSTANCE: what it printed, without the escape sequences that would make this terminal answer to it.
console() {
  "$CUMULET" aws ec2 get-console-output --instance-id "$1" --latest --query Output --output text |
    sed 's/\x1b\[[0-9;?]*[a-zA-Z]//g'
}

wait_for_greeting() {
  say "waiting for its kernel to boot (aws ec2 get-console-output)"
  local end=$((SECONDS + GREETING_TIMEOUT_S)) last=""
  while [ "$SECONDS" -lt "$end" ]; do
    local output line
    output=$(console "$1")
    case "$output" in *"$GREETING"*) return 0 ;; esac
    line=$(tail -n 1 <<<"$output" | tr -d '\r' | cut -c 1-100)
    if [ "$line" != "$last" ]; then
      printf '    %s\n' "$line" >&2
      last=$line
    fi
    sleep 1
  done
  console "$1" | tail -n 20 >&2
  fail "no greeting on the console of $1 within $GREETING_TIMEOUT_S s; the end of its console is above"
}

next_steps() {
  cat <<END

$1 runs $2. What to try next:

  $CUMULET aws ec2 describe-instances --output table
  $CUMULET aws ec2 get-console-output --instance-id $1 --latest --output text
  $CUMULET aws ec2 run-instances --image-id $2 --instance-type t3.small --count 2
  $CUMULET aws ec2 stop-instances --instance-ids $1
  $CUMULET aws ec2 terminate-instances --instance-ids $1
  eval "\$($CUMULET env)"      # then any AWS client of this shell talks to this cloud
  ./dev stop                                 # stops the cloud
END
}
