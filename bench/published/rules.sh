#!/usr/bin/env bash
# Robust rules over recorded updates. $1: the build's folder of programs.
exec "$1/skerry_published_rules"
