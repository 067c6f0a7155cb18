#!/usr/bin/env bash
# FLamby's heart disease table. $1: the build's folder of programs.
exec "$1/skerry_published_heart"
