# Deals the intensive-care units of patient.csv to six sites, whole units only: the unit of number U (in
# the order in which units first appear) goes to the site whose share it falls into. Shares differ, as
# hospitals do. Usage: awk -f deal.awk -v out=. patient.csv
BEGIN {
  FS = ","
  n = split("north:30 south:22 east:17 west:13 coast:10 valley:8", shares, " ")
}
NR == 1 { header = $0; next }
{
  unit = $2
  if (!(unit in site)) {
    # A multiplicative hash of the unit's number in order of appearance, so that neighbours part.
    position = (units++ * 61) % 100
    bound = 0
    for (i = 1; i <= n; i++) {
      split(shares[i], share, ":")
      bound += share[2]
      if (position < bound) { site[unit] = share[1]; break }
    }
  }
  file = out "/" site[unit] ".csv"
  if (!(file in begun)) { print header > file; begun[file] = 1 }
  print > file
}
