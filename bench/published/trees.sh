#!/usr/bin/env bash
# Boosted trees beside libxgboost's. $1: the build's folder of programs.
exec "$1/skerry_published_trees"
